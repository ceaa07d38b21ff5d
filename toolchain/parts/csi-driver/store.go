package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// kept is what is known of a volume or a snapshot, beside its data.
type kept struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Bytes  int64     `json:"bytes"`
	Block  bool      `json:"block"`
	Source string    `json:"source,omitempty"`
	Made   time.Time `json:"made"`
}

const (
	volumes   = "volumes"
	snapshots = "snapshots"
	about     = "about.json"
	// What a volume holds: a folder, or the file behind a block device.
	mounted = "data"
	image   = "disk.img"
)

// A store is the folder of all volumes. Whatever is complete has its final name; what a killed driver left has a name
// with a dot in front, which no call sees.
type store struct{ folder string }

func open(folder string) (*store, error) {
	for _, kind := range []string{volumes, snapshots} {
		if err := os.MkdirAll(filepath.Join(folder, kind), 0o711); err != nil {
			return nil, err
		}
	}
	return &store{folder: folder}, nil
}

// locked lets one driver at a time change what exists, also of several processes.
func (s *store) locked(change func() error) error {
	lock, err := os.OpenFile(filepath.Join(s.folder, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return change()
}

// identifier is the same for the same name, so that a repeated call finds what the first has made.
func identifier(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return kind[:1] + "-" + hex.EncodeToString(sum[:16])
}

func (s *store) path(kind, id string) string { return filepath.Join(s.folder, kind, id) }

// data is the path of what a volume or a snapshot holds.
func (s *store) data(kind string, of kept) string {
	if of.Block {
		return filepath.Join(s.path(kind, of.ID), image)
	}
	return filepath.Join(s.path(kind, of.ID), mounted)
}

// get returns os.ErrNotExist for what does not exist, and for what can't be an identifier.
func (s *store) get(kind, id string) (kept, error) {
	if id == "" || strings.ContainsAny(id, "/.") {
		return kept{}, os.ErrNotExist
	}
	var found kept
	raw, err := os.ReadFile(filepath.Join(s.path(kind, id), about))
	if err != nil {
		return kept{}, err
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		return kept{}, fmt.Errorf("%s of %s: %w", about, id, err)
	}
	return found, nil
}

// list is in the order of identifiers.
func (s *store) list(kind string) ([]kept, error) {
	entries, err := os.ReadDir(filepath.Join(s.folder, kind))
	if err != nil {
		return nil, err
	}
	var all []kept
	for _, entry := range entries {
		each, err := s.get(kind, entry.Name())
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, each)
	}
	sort.Slice(all, func(a, b int) bool { return all[a].ID < all[b].ID })
	return all, nil
}

// add makes a volume or a snapshot with what fill puts at the path of its data, all at once.
func (s *store) add(kind string, made kept, fill func(data string) error) error {
	scratch := s.path(kind, "."+made.ID)
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	if err := os.Mkdir(scratch, 0o711); err != nil {
		return err
	}
	if err := fill(filepath.Join(scratch, filepath.Base(s.data(kind, made)))); err != nil {
		return errors.Join(err, os.RemoveAll(scratch))
	}
	if err := write(scratch, made); err != nil {
		return err
	}
	return os.Rename(scratch, s.path(kind, made.ID))
}

func write(folder string, of kept) error {
	raw, err := json.Marshal(of)
	if err != nil {
		return err
	}
	fresh := filepath.Join(folder, "."+about)
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(folder, about))
}

func (s *store) remove(kind, id string) error {
	scratch := s.path(kind, "."+id+".removed")
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	if err := os.Rename(s.path(kind, id), scratch); err != nil {
		return err
	}
	return os.RemoveAll(scratch)
}
