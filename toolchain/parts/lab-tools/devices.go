package main

import (
	"encoding/json"
	"path/filepath"
	"syscall"
)

type device struct {
	Path  string `json:"path"`
	Type  string `json:"type"`
	Major int64  `json:"major"`
	Minor int64  `json:"minor"`
}

// renamed turns each block device of a bundle's document that the node has in folder, and not under the bundle's name,
// into a mount of the node's own. Its owner and mode are then those on the node.
func renamed(spec map[string]json.RawMessage, folder string) error {
	var linux map[string]json.RawMessage
	if spec["linux"] == nil {
		return nil
	}
	if err := json.Unmarshal(spec["linux"], &linux); err != nil || linux["devices"] == nil {
		return err
	}
	var devices, mounts []json.RawMessage
	kept := []json.RawMessage{}
	if err := json.Unmarshal(linux["devices"], &devices); err != nil {
		return err
	}
	if err := json.Unmarshal(spec["mounts"], &mounts); err != nil {
		return err
	}
	for _, raw := range devices {
		var wanted device
		if err := json.Unmarshal(raw, &wanted); err != nil {
			return err
		}
		source := elsewhere(wanted, folder)
		if source == "" {
			kept = append(kept, raw)
			continue
		}
		mount, err := json.Marshal(map[string]any{
			"destination": wanted.Path, "source": source, "type": "bind", "options": []string{"bind", "rw"},
		})
		if err != nil {
			return err
		}
		mounts = append(mounts, mount)
	}
	var err error
	if linux["devices"], err = json.Marshal(kept); err != nil {
		return err
	}
	if spec["mounts"], err = json.Marshal(mounts); err != nil {
		return err
	}
	spec["linux"], err = json.Marshal(linux)
	return err
}

// elsewhere is the path of the node's own device of these numbers, empty where it has none or has it by that name.
func elsewhere(wanted device, folder string) string {
	if wanted.Type != "b" || isDevice(wanted, wanted.Path) {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, path := range found {
		if isDevice(wanted, path) {
			return path
		}
	}
	return ""
}

func isDevice(wanted device, path string) bool {
	var about syscall.Stat_t
	if syscall.Lstat(path, &about) != nil || about.Mode&syscall.S_IFMT != syscall.S_IFBLK {
		return false
	}
	// Source: glibc, sys/sysmacros.h.
	major := about.Rdev>>8&0xfff | about.Rdev>>32&^0xfff
	minor := about.Rdev&0xff | about.Rdev>>12&^0xff
	return int64(major) == wanted.Major && int64(minor) == wanted.Minor
}
