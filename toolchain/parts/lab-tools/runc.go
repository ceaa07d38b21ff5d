package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// realRunc is where the rootfs keeps the unmodified runc.
const realRunc = "/usr/bin/runc.real"

// runc hands its arguments to the real runc after fitting the bundle's process to a user namespace:
//
//   - process.oomScoreAdj goes. Talos asks for negative scores for its own services and has no switch for it; runc gives
//     up when the kernel refuses the write, which it does to every process without CAP_SYS_RESOURCE over the machine.
//     The score only orders who is killed when memory runs out, so nothing else changes.
//   - Capabilities that the node does not have go: runc would refuse the container.
//   - CAP_BPF and CAP_PERFMON come to who asks for CAP_SYS_ADMIN. On a machine it includes both. For a BPF token, which
//     only a user namespace needs, the kernel asks for CAP_BPF itself.
//   - Devices that a pod has under another name than the node become mounts: in a user namespace runc mounts what has the
//     pod's name on the node, and block volumes have names of the pods' own.
func runc(args []string) error {
	for i, arg := range args[:max(0, len(args)-1)] {
		var err error
		switch arg {
		case "--bundle":
			err = rewrite(filepath.Join(args[i+1], "config.json"), fittedBundle)
		case "--process":
			// A further process of a running container, as exec and the kubelet's hooks and probes start.
			err = rewrite(args[i+1], fitted)
		}
		if err != nil {
			return err
		}
	}
	return syscall.Exec(realRunc, append([]string{"runc"}, args...), os.Environ())
}

func rewrite(path string, change func([]byte, uint64) ([]byte, error)) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	bounds, err := bounding("/proc/self/status")
	if err != nil {
		return err
	}
	if raw, err = change(raw, bounds); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// fittedBundle is a bundle's document whose process is fitted.
func fittedBundle(raw []byte, bounds uint64) ([]byte, error) {
	// RawMessage keeps everything else byte for byte: numbers above 2^53 would lose digits in a float.
	var spec map[string]json.RawMessage
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, err
	}
	var err error
	if spec["process"], err = fitted(spec["process"], bounds); err != nil {
		return nil, err
	}
	if err := renamed(spec, "/dev"); err != nil {
		return nil, err
	}
	return json.Marshal(spec)
}

// fitted is a process's document for processes that may have the capabilities in bounds, bit n for number n.
func fitted(raw []byte, bounds uint64) ([]byte, error) {
	var process map[string]json.RawMessage
	if err := json.Unmarshal(raw, &process); err != nil {
		return nil, err
	}
	delete(process, "oomScoreAdj")
	if held, set := process["capabilities"]; set {
		var sets map[string][]string
		if err := json.Unmarshal(held, &sets); err != nil {
			return nil, err
		}
		for name, wanted := range sets {
			sets[name] = capabilities(wanted, bounds)
		}
		var err error
		if process["capabilities"], err = json.Marshal(sets); err != nil {
			return nil, err
		}
	}
	return json.Marshal(process)
}

// Numbers of capabilities that a node may lack, and of those that come with CAP_SYS_ADMIN. Source:
// include/uapi/linux/capability.h of Linux.
var numbers = map[string]uint{"CAP_SYS_MODULE": 16, "CAP_SYS_RESOURCE": 24, "CAP_SYS_TIME": 25, "CAP_PERFMON": 38, "CAP_BPF": 39}

func capabilities(wanted []string, bounds uint64) []string {
	if slices.Contains(wanted, "CAP_SYS_ADMIN") {
		for _, included := range []string{"CAP_BPF", "CAP_PERFMON"} {
			if !slices.Contains(wanted, included) {
				wanted = append(wanted, included)
			}
		}
	}
	kept := []string{}
	for _, name := range wanted {
		if number, known := numbers[name]; !known || bounds>>number&1 == 1 {
			kept = append(kept, name)
		}
	}
	return kept
}

// bounding is the set of capabilities that the processes of this one may have, as the kernel shows it in a status file.
func bounding(status string) (uint64, error) {
	raw, err := os.ReadFile(status)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if digits, found := strings.CutPrefix(line, "CapBnd:"); found {
			return strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
		}
	}
	return 0, fmt.Errorf("%s has no line CapBnd", status)
}
