package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type nodeServer struct {
	csi.UnimplementedNodeServer
	store *store
	name  string
	loops loops
}

func (n *nodeServer) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name}, nil
}

func (n *nodeServer) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	answer := &csi.NodeGetCapabilitiesResponse{}
	for _, kind := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: kind}},
		})
	}
	return answer, nil
}

// on is the volume of a call about a path, or the error by which the call is refused.
func (n *nodeServer) on(id, path string, wanted *csi.VolumeCapability, needed bool) (kept, error) {
	if id == "" || path == "" || needed && wanted == nil {
		return kept{}, status.Error(codes.InvalidArgument, "the volume's identifier, a path or the capability is missing")
	}
	found, err := volume(n.store, id)
	if err == nil && wanted != nil && (wanted.GetBlock() != nil) != found.Block {
		return kept{}, status.Errorf(codes.InvalidArgument, "the volume %s has another volume mode", id)
	}
	return found, err
}

func (n *nodeServer) NodeStageVolume(
	_ context.Context, request *csi.NodeStageVolumeRequest,
) (*csi.NodeStageVolumeResponse, error) {
	found, err := n.on(request.GetVolumeId(), request.GetStagingTargetPath(), request.GetVolumeCapability(), true)
	if err == nil && found.Block {
		_, err = n.loops.attach(found.ID, n.store.data(volumes, found))
	}
	if err != nil {
		return nil, err
	}
	return &csi.NodeStageVolumeResponse{}, nil
}

func (n *nodeServer) NodeUnstageVolume(
	_ context.Context, request *csi.NodeUnstageVolumeRequest,
) (*csi.NodeUnstageVolumeResponse, error) {
	if request.GetVolumeId() == "" || request.GetStagingTargetPath() == "" {
		return nil, status.Error(codes.InvalidArgument, "the volume's identifier or the path is missing")
	}
	if err := n.loops.detach(request.GetVolumeId()); err != nil {
		return nil, err
	}
	return &csi.NodeUnstageVolumeResponse{}, nil
}

func (n *nodeServer) NodePublishVolume(
	_ context.Context, request *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	target := request.GetTargetPath()
	found, err := n.on(request.GetVolumeId(), target, request.GetVolumeCapability(), true)
	if err != nil {
		return nil, err
	}
	source := n.store.data(volumes, found)
	if found.Block {
		if source, err = n.loops.attach(found.ID, source); err != nil {
			return nil, err
		}
	}
	if already, err := same(source, target); err != nil || already {
		return &csi.NodePublishVolumeResponse{}, err
	}
	if err := prepared(target, found.Block); err != nil {
		return nil, err
	}
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		return nil, status.Errorf(codes.Internal, "%s on %s: %v", source, target, err)
	}
	if request.GetReadonly() {
		flags := uintptr(syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY)
		if err := syscall.Mount("none", target, "", flags, ""); err != nil {
			return nil, errors.Join(err, syscall.Unmount(target, syscall.MNT_DETACH))
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// same says whether a path shows the volume already. The same device or folder has the same inode.
func same(source, target string) (bool, error) {
	shown, err := os.Stat(target)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	held, err := os.Stat(source)
	return err == nil && os.SameFile(held, shown), err
}

// prepared makes what the volume is mounted on.
func prepared(target string, block bool) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	if !block {
		if err := os.Mkdir(target, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return nil
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return err
	}
	return file.Close()
}

func (n *nodeServer) NodeUnpublishVolume(
	_ context.Context, request *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if request.GetVolumeId() == "" || target == "" {
		return nil, status.Error(codes.InvalidArgument, "the volume's identifier or the path is missing")
	}
	err := syscall.Unmount(target, 0)
	// Not mounted, or not there: an earlier call did it.
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.Internal, "%s: %v", target, err)
	}
	// Never with what it holds: if the mount were still there, that would be the volume.
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func (n *nodeServer) NodeExpandVolume(
	_ context.Context, request *csi.NodeExpandVolumeRequest,
) (*csi.NodeExpandVolumeResponse, error) {
	found, err := n.on(request.GetVolumeId(), request.GetVolumePath(), nil, false)
	if err == nil && found.Block {
		err = n.loops.resize(found.ID)
	}
	if err != nil {
		return nil, err
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: found.Bytes}, nil
}

func (n *nodeServer) NodeGetVolumeStats(
	_ context.Context, request *csi.NodeGetVolumeStatsRequest,
) (*csi.NodeGetVolumeStatsResponse, error) {
	found, err := n.on(request.GetVolumeId(), request.GetVolumePath(), nil, false)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(request.GetVolumePath()); errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "%s does not exist", request.GetVolumePath())
	}
	total := &csi.VolumeUsage{Unit: csi.VolumeUsage_BYTES, Total: found.Bytes}
	if found.Block {
		return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{total}}, nil
	}
	var have syscall.Statfs_t
	if err := syscall.Statfs(request.GetVolumePath(), &have); err != nil {
		return nil, err
	}
	total.Total = int64(have.Blocks) * have.Bsize
	total.Available = int64(have.Bavail) * have.Bsize
	total.Used = int64(have.Blocks-have.Bfree) * have.Bsize
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{total}}, nil
}
