package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
)

// realRunc is where the rootfs keeps the unmodified runc.
const realRunc = "/usr/bin/runc.real"

// runc hands its arguments to the real runc after taking process.oomScoreAdj out of the bundle.
//
// Talos asks for negative scores for its own services and has no switch for it; runc gives up when
// the kernel refuses the write, which it does to every process without CAP_SYS_RESOURCE over the
// machine. The score only orders who is killed when memory runs out, so nothing else changes.
func runc(args []string) error {
	for i, arg := range args {
		if arg == "--bundle" && i+1 < len(args) {
			if err := dropOOMScore(filepath.Join(args[i+1], "config.json")); err != nil {
				return err
			}
		}
	}
	return syscall.Exec(realRunc, append([]string{"runc"}, args...), os.Environ())
}

func dropOOMScore(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// RawMessage keeps everything else byte for byte: numbers above 2^53 would lose digits in a float.
	var spec, process map[string]json.RawMessage
	if err := json.Unmarshal(raw, &spec); err != nil {
		return err
	}
	if err := json.Unmarshal(spec["process"], &process); err != nil {
		return err
	}
	if _, set := process["oomScoreAdj"]; !set {
		return nil
	}
	delete(process, "oomScoreAdj")
	if spec["process"], err = json.Marshal(process); err != nil {
		return err
	}
	if raw, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}
