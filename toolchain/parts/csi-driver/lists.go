package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// page is a part of a list and the token of the next one. A token is a position.
func page(all []kept, token string, entries int32) ([]kept, string, error) {
	start := 0
	if token != "" {
		var err error
		if start, err = strconv.Atoi(token); err != nil || start < 0 || start > len(all) {
			return nil, "", status.Errorf(codes.Aborted, "%q is no token of a list", token)
		}
	}
	end := len(all)
	if entries > 0 && start+int(entries) < end {
		end = start + int(entries)
		return all[start:end], strconv.Itoa(end), nil
	}
	return all[start:end], "", nil
}

func (c *controller) ListVolumes(
	_ context.Context, request *csi.ListVolumesRequest,
) (*csi.ListVolumesResponse, error) {
	all, err := c.store.list(volumes)
	if err != nil {
		return nil, err
	}
	part, next, err := page(all, request.GetStartingToken(), request.GetMaxEntries())
	if err != nil {
		return nil, err
	}
	answer := &csi.ListVolumesResponse{NextToken: next}
	for _, each := range part {
		found := &csi.Volume{VolumeId: each.ID, CapacityBytes: each.Bytes}
		answer.Entries = append(answer.Entries, &csi.ListVolumesResponse_Entry{Volume: found})
	}
	return answer, nil
}

func snapshot(of kept) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId:     of.ID,
		SourceVolumeId: of.Source,
		SizeBytes:      of.Bytes,
		CreationTime:   timestamppb.New(of.Made),
		ReadyToUse:     true,
	}
}

func (c *controller) ListSnapshots(
	_ context.Context, request *csi.ListSnapshotsRequest,
) (*csi.ListSnapshotsResponse, error) {
	all, err := c.store.list(snapshots)
	if err != nil {
		return nil, err
	}
	id, source := request.GetSnapshotId(), request.GetSourceVolumeId()
	var wanted []kept
	for _, each := range all {
		if (id == "" || each.ID == id) && (source == "" || each.Source == source) {
			wanted = append(wanted, each)
		}
	}
	part, next, err := page(wanted, request.GetStartingToken(), request.GetMaxEntries())
	if err != nil {
		return nil, err
	}
	answer := &csi.ListSnapshotsResponse{NextToken: next}
	for _, each := range part {
		answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: snapshot(each)})
	}
	return answer, nil
}

func (c *controller) CreateSnapshot(
	_ context.Context, request *csi.CreateSnapshotRequest,
) (answer *csi.CreateSnapshotResponse, err error) {
	if request.GetName() == "" || request.GetSourceVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "the name or the volume's identifier is missing")
	}
	err = c.store.locked(func() error {
		made, err := c.taken(request)
		answer = &csi.CreateSnapshotResponse{Snapshot: snapshot(made)}
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (c *controller) taken(request *csi.CreateSnapshotRequest) (kept, error) {
	id := identifier(snapshots, request.GetName())
	found, err := c.store.get(snapshots, id)
	if err == nil && found.Source != request.GetSourceVolumeId() {
		return kept{}, status.Errorf(codes.AlreadyExists, "%s exists of another volume", request.GetName())
	}
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return found, err
	}
	from, err := volume(c.store, request.GetSourceVolumeId())
	if err != nil {
		return kept{}, err
	}
	made := kept{
		ID: id, Name: request.GetName(), Bytes: from.Bytes, Block: from.Block, Source: from.ID, Made: time.Now(),
	}
	return made, c.store.add(snapshots, made, func(data string) error {
		return copied(c.store.data(volumes, from), data)
	})
}

func (c *controller) DeleteSnapshot(
	_ context.Context, request *csi.DeleteSnapshotRequest,
) (*csi.DeleteSnapshotResponse, error) {
	if request.GetSnapshotId() == "" {
		return nil, status.Error(codes.InvalidArgument, "the snapshot's identifier is missing")
	}
	return &csi.DeleteSnapshotResponse{}, c.delete(snapshots, request.GetSnapshotId())
}
