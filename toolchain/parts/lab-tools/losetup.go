package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// Source: Linux, include/uapi/linux/loop.h.
const (
	loopClear     = 0x4C01
	loopConfigure = 0x4C0A
)

type loopConfig struct {
	file, blockSize uint32
	// Struct loop_info64, whose every field stays zero, and what is reserved.
	rest [232 + 64]byte
}

// losetup understands what the kubelet asks of losetup(8): -f FILE and -d DEVICE. It takes the first free device of
// those that the node has; a new one could not be opened in a user namespace.
func losetup(args []string) error {
	if len(args) != 2 || args[0] != "-f" && args[0] != "-d" {
		return errors.New("expected -f FILE or -d DEVICE")
	}
	if args[0] == "-d" {
		return loopCall(args[1], loopClear, 0)
	}
	file, err := os.OpenFile(args[1], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	devices, err := filepath.Glob("/dev/loop[0-9]*")
	if err != nil {
		return err
	}
	for _, device := range devices {
		config := loopConfig{file: uint32(file.Fd())}
		err := loopCall(device, loopConfigure, uintptr(unsafe.Pointer(&config)))
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
	}
	return fmt.Errorf("none of the node's %d loop devices is free", len(devices))
}

func loopCall(path string, request, argument uintptr) error {
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	if _, _, refused := syscall.Syscall(syscall.SYS_IOCTL, device.Fd(), request, argument); refused != 0 {
		return fmt.Errorf("%s: %w", path, refused)
	}
	return nil
}
