package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	usual = 1 << 30
	// The most that one volume can have.
	most = 16 << 40
)

type controller struct {
	csi.UnimplementedControllerServer
	store *store
}

var can = []csi.ControllerServiceCapability_RPC_Type{
	csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
	csi.ControllerServiceCapability_RPC_LIST_VOLUMES,
	csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
	csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
	csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
}

func (c *controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range can {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}},
		})
	}
	return answer, nil
}

// size is what a volume gets: what is required, or the limit where only that is set.
func size(wanted *csi.CapacityRange, least int64) (int64, error) {
	required, limit := wanted.GetRequiredBytes(), wanted.GetLimitBytes()
	if required < 0 || limit < 0 || required > most || limit > 0 && max(required, least) > limit {
		return 0, status.Errorf(codes.OutOfRange, "no volume of %d to %d bytes, with %d in its source", required, limit, least)
	}
	if required == 0 {
		required = usual
		if limit > 0 {
			required = min(required, limit)
		}
	}
	// An origin without a demand for more gives its size.
	if required < least && wanted.GetRequiredBytes() == 0 {
		required = least
	}
	if required < least {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes are less than the %d of the source", required, least)
	}
	return required, nil
}

// block says whether the capabilities want block devices. A volume is one or the other.
func block(wanted []*csi.VolumeCapability) (bool, error) {
	if len(wanted) == 0 {
		return false, status.Error(codes.InvalidArgument, "volume capabilities are missing")
	}
	first := wanted[0].GetBlock() != nil
	for _, each := range wanted {
		if each.GetBlock() == nil && each.GetMount() == nil {
			return false, status.Error(codes.InvalidArgument, "a capability is neither a mount nor a block device")
		}
		if (each.GetBlock() != nil) != first {
			return false, status.Error(codes.InvalidArgument, "one volume can't be mounted and a block device")
		}
	}
	return first, nil
}

// source is the kind and the record of what a volume is made from; an empty kind for an empty volume.
func (c *controller) source(from *csi.VolumeContentSource) (string, kept, error) {
	kind, id := "", ""
	switch {
	case from.GetSnapshot() != nil:
		kind, id = snapshots, from.GetSnapshot().GetSnapshotId()
	case from.GetVolume() != nil:
		kind, id = volumes, from.GetVolume().GetVolumeId()
	default:
		return "", kept{}, nil
	}
	found, err := c.store.get(kind, id)
	if errors.Is(err, os.ErrNotExist) {
		return "", kept{}, status.Errorf(codes.NotFound, "the source %s does not exist", id)
	}
	return kind, found, err
}

func (c *controller) CreateVolume(
	_ context.Context, request *csi.CreateVolumeRequest,
) (answer *csi.CreateVolumeResponse, err error) {
	if request.GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "the name is missing")
	}
	blocks, err := block(request.GetVolumeCapabilities())
	if err != nil {
		return nil, err
	}
	err = c.store.locked(func() error {
		made, err := c.create(request, blocks)
		answer = &csi.CreateVolumeResponse{Volume: &csi.Volume{
			VolumeId: made.ID, CapacityBytes: made.Bytes, ContentSource: request.GetVolumeContentSource(),
		}}
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (c *controller) create(request *csi.CreateVolumeRequest, blocks bool) (kept, error) {
	wanted, id := request.GetCapacityRange(), identifier(volumes, request.GetName())
	found, err := c.store.get(volumes, id)
	if err == nil {
		limit := wanted.GetLimitBytes()
		if found.Block != blocks || found.Bytes < wanted.GetRequiredBytes() || limit > 0 && found.Bytes > limit {
			return kept{}, status.Errorf(codes.AlreadyExists, "%s exists with another size or mode", request.GetName())
		}
		return found, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return kept{}, err
	}
	kind, from, err := c.source(request.GetVolumeContentSource())
	if err != nil {
		return kept{}, err
	}
	if kind != "" && from.Block != blocks {
		return kept{}, status.Errorf(codes.InvalidArgument, "the source %s has another volume mode", from.ID)
	}
	bytes, err := size(wanted, from.Bytes)
	if err != nil {
		return kept{}, err
	}
	made := kept{ID: id, Name: request.GetName(), Bytes: bytes, Block: blocks, Source: from.ID, Made: time.Now()}
	return made, c.store.add(volumes, made, func(data string) error {
		if kind != "" {
			if err := copied(c.store.data(kind, from), data); err != nil {
				return err
			}
		}
		return grown(data, made)
	})
}

// grown makes what a volume holds, unless it was copied, and gives a block volume its size.
func grown(data string, of kept) error {
	if !of.Block {
		if err := os.Mkdir(data, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		} else if err == nil {
			// Any user's pod may write to it, as to a folder of an NFS server without squashing.
			return os.Chmod(data, 0o777)
		}
		return nil
	}
	file, err := os.OpenFile(data, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(of.Bytes), file.Close())
}

func (c *controller) DeleteVolume(
	_ context.Context, request *csi.DeleteVolumeRequest,
) (*csi.DeleteVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "the volume's identifier is missing")
	}
	return &csi.DeleteVolumeResponse{}, c.delete(volumes, request.GetVolumeId())
}

// delete accepts what does not exist any more.
func (c *controller) delete(kind, id string) error {
	return c.store.locked(func() error {
		if _, err := c.store.get(kind, id); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return c.store.remove(kind, id)
	})
}

func (c *controller) ValidateVolumeCapabilities(
	_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "the volume's identifier is missing")
	}
	blocks, err := block(request.GetVolumeCapabilities())
	if err != nil {
		return nil, err
	}
	found, err := volume(c.store, request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if found.Block != blocks {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: "the volume has another volume mode"}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: request.GetVolumeCapabilities()},
	}, nil
}

// volume is the record of a volume, or the error by which calls refuse one that does not exist.
func volume(store *store, id string) (kept, error) {
	found, err := store.get(volumes, id)
	if errors.Is(err, os.ErrNotExist) {
		return kept{}, status.Errorf(codes.NotFound, "the volume %s does not exist", id)
	}
	return found, err
}

func (c *controller) ControllerExpandVolume(
	_ context.Context, request *csi.ControllerExpandVolumeRequest,
) (answer *csi.ControllerExpandVolumeResponse, err error) {
	if request.GetVolumeId() == "" || request.GetCapacityRange() == nil {
		return nil, status.Error(codes.InvalidArgument, "the volume's identifier or its new size is missing")
	}
	err = c.store.locked(func() error {
		found, err := volume(c.store, request.GetVolumeId())
		if err != nil {
			return err
		}
		bytes, err := size(request.GetCapacityRange(), 0)
		if err != nil {
			return err
		}
		found.Bytes = max(bytes, found.Bytes)
		if err := grown(c.store.data(volumes, found), found); err != nil {
			return err
		}
		answer = &csi.ControllerExpandVolumeResponse{CapacityBytes: found.Bytes, NodeExpansionRequired: found.Block}
		return write(c.store.path(volumes, found.ID), found)
	})
	return answer, err
}
