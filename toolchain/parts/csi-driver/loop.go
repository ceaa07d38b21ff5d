package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"unsafe"
)

// Source: Linux, include/uapi/linux/loop.h.
const (
	loopClear     = 0x4C01
	loopStatus    = 0x4C05
	loopCapacity  = 0x4C07
	loopConfigure = 0x4C0A
	nameBytes     = 64
)

type loopInfo struct {
	Device, Inode, RDevice, Offset, SizeLimit  uint64
	Number, EncryptType, EncryptKeySize, Flags uint32
	FileName, CryptName                        [nameBytes]byte
	EncryptKey                                 [32]byte
	Init                                       [2]uint64
}

type loopConfig struct {
	File, BlockSize uint32
	Info            loopInfo
	Reserved        [8]uint64
}

// loops are the loop devices that a driver may use. Each node attaches a volume for itself, as to a disk array: what one
// node has in its page cache, another does not see.
type loops struct{ pattern, node string }

// label is by what a node finds its own device of a volume, also after it was restarted.
func (l loops) label(id string) string {
	sum := sha256.Sum256([]byte(l.node))
	return id + "@" + hex.EncodeToString(sum[:6])
}

func (l loops) devices() ([]string, error) {
	found, err := filepath.Glob(l.pattern)
	sort.Slice(found, func(a, b int) bool {
		return len(found[a]) < len(found[b]) || len(found[a]) == len(found[b]) && found[a] < found[b]
	})
	return found, err
}

func control(device *os.File, request uintptr, argument uintptr) error {
	if _, _, refused := syscall.Syscall(syscall.SYS_IOCTL, device.Fd(), request, argument); refused != 0 {
		return refused
	}
	return nil
}

// find returns the device of a volume on this node, or an empty path.
func (l loops) find(id string) (string, error) {
	devices, err := l.devices()
	if err != nil {
		return "", err
	}
	for _, path := range devices {
		device, err := os.OpenFile(path, os.O_RDONLY, 0)
		if err != nil {
			return "", err
		}
		var info loopInfo
		refused := control(device, loopStatus, uintptr(unsafe.Pointer(&info)))
		device.Close()
		if refused == nil && string(bytes.TrimRight(info.FileName[:], "\x00")) == l.label(id) {
			return path, nil
		}
		if refused != nil && !errors.Is(refused, syscall.ENXIO) {
			return "", fmt.Errorf("%s: %w", path, refused)
		}
	}
	return "", nil
}

// attach returns the device of a volume on this node, which it takes from the free ones.
func (l loops) attach(id, image string) (string, error) {
	if found, err := l.find(id); err != nil || found != "" {
		return found, err
	}
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	devices, err := l.devices()
	if err != nil {
		return "", err
	}
	for _, path := range devices {
		device, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		config := loopConfig{File: uint32(file.Fd())}
		copy(config.Info.FileName[:nameBytes-1], l.label(id))
		refused := control(device, loopConfigure, uintptr(unsafe.Pointer(&config)))
		device.Close()
		if refused == nil {
			return path, nil
		}
		// Another node, or another volume, has it.
		if !errors.Is(refused, syscall.EBUSY) {
			return "", fmt.Errorf("%s: %w", path, refused)
		}
	}
	return "", fmt.Errorf("none of the %d loop devices %s is free", len(devices), l.pattern)
}

// detach gives the device back. The kernel keeps it until its last user has closed it.
func (l loops) detach(id string) error {
	return l.on(id, loopClear)
}

// resize lets the device have the size that its file has by now.
func (l loops) resize(id string) error {
	return l.on(id, loopCapacity)
}

func (l loops) on(id string, request uintptr) error {
	path, err := l.find(id)
	if err != nil || path == "" {
		return err
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	if err := control(device, request, 0); err != nil && !errors.Is(err, syscall.ENXIO) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
