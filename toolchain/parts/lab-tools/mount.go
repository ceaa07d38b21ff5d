package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// flags are the mount options the kernel takes as bits; the rest is data for the filesystem.
var flags = map[string]uintptr{
	"defaults": 0, "rw": 0, "exec": 0, "suid": 0, "dev": 0, "_netdev": 0, "nofail": 0,
	"ro": syscall.MS_RDONLY, "nosuid": syscall.MS_NOSUID, "nodev": syscall.MS_NODEV,
	"noexec": syscall.MS_NOEXEC, "sync": syscall.MS_SYNCHRONOUS, "remount": syscall.MS_REMOUNT,
	"noatime": syscall.MS_NOATIME, "relatime": syscall.MS_RELATIME, "strictatime": syscall.MS_STRICTATIME,
	"bind": syscall.MS_BIND, "rbind": syscall.MS_BIND | syscall.MS_REC,
	"shared": syscall.MS_SHARED, "rshared": syscall.MS_SHARED | syscall.MS_REC,
	"slave": syscall.MS_SLAVE, "rslave": syscall.MS_SLAVE | syscall.MS_REC,
	"private": syscall.MS_PRIVATE, "rprivate": syscall.MS_PRIVATE | syscall.MS_REC,
}

const propagation = syscall.MS_SHARED | syscall.MS_SLAVE | syscall.MS_PRIVATE

// mount understands what the kubelet asks of mount(8): -t, -o, --bind and --make-*.
func mount(args []string) error {
	var fstype string
	var bits uintptr
	var data, paths []string
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-t" || arg == "-o":
			if i++; i >= len(args) {
				return fmt.Errorf("%s needs a value", arg)
			}
			if arg == "-t" {
				fstype = args[i]
				continue
			}
			for _, option := range strings.Split(args[i], ",") {
				if bit, known := flags[option]; known {
					bits |= bit
				} else if option != "" {
					data = append(data, option)
				}
			}
		case arg == "--bind" || arg == "--rbind" || arg == "--make-shared" || arg == "--make-rshared" ||
			arg == "--make-slave" || arg == "--make-rslave" || arg == "--make-private" || arg == "--make-rprivate":
			bits |= flags[strings.TrimPrefix(strings.TrimPrefix(arg, "--"), "make-")]
		case arg == "--no-canonicalize" || arg == "-n":
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("option %s is not known here", arg)
		default:
			paths = append(paths, arg)
		}
	}
	if len(paths) == 1 {
		paths = []string{"none", paths[0]}
	}
	if len(paths) != 2 {
		return errors.New("expected a source and a target")
	}
	source, target := paths[0], paths[1]
	spread := bits & propagation
	if bits &^= propagation; bits&^syscall.MS_REC != 0 || fstype != "" || len(data) > 0 {
		if err := syscall.Mount(source, target, fstype, bits, strings.Join(data, ",")); err != nil {
			return fmt.Errorf("%s on %s: %w", source, target, err)
		}
	}
	if spread != 0 {
		return syscall.Mount("none", target, "", spread|bits&syscall.MS_REC, "")
	}
	return nil
}

// umount understands -f and -l.
func umount(args []string) error {
	bits := 0
	for _, arg := range args {
		switch {
		case arg == "-f":
			bits |= syscall.MNT_FORCE
		case arg == "-l":
			bits |= syscall.MNT_DETACH
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("option %s is not known here", arg)
		default:
			if err := syscall.Unmount(arg, bits); errors.Is(err, syscall.EINVAL) {
				// The kubelet looks for this very text to tell "already gone" from a failure.
				fmt.Fprintf(os.Stderr, "umount: %s: not mounted\n", arg)
				os.Exit(32)
			} else if err != nil {
				return fmt.Errorf("%s: %w", arg, err)
			}
		}
	}
	return nil
}
