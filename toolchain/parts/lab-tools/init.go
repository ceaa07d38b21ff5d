package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// Where the initramfs of lab/initramfs.py keeps what this init needs.
const (
	modules   = "/modules"
	talosInit = "/talos-init"
)

// initialize is the first process of a machine that booted lab/initramfs.py's initramfs.
//
// It loads the modules that a distribution's kernel doesn't have built in and Talos' own does, in the
// order of their file names, and hands over to Talos' init. Where there is none, it prints who the
// machine is and what it was told, and switches it off: enough to see that a machine has booted.
func initialize() error {
	files, err := filepath.Glob(modules + "/*.ko")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := load(file); err != nil {
			fmt.Printf("init: %s: %v\n", file, err)
		}
	}
	if _, err := os.Stat(talosInit); err == nil {
		return syscall.Exec(talosInit, []string{"/init"}, os.Environ())
	}
	for _, kind := range []string{"proc", "sysfs"} {
		if err := os.MkdirAll("/"+kind, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(kind, "/"+kind, kind, 0, ""); err != nil {
			return err
		}
	}
	for _, fact := range [][2]string{
		{"arguments", "/proc/cmdline"},
		{"uuid", "/sysfs/class/dmi/id/product_uuid"},
		{"serial", "/sysfs/class/dmi/id/product_serial"},
	} {
		text, err := os.ReadFile(fact[1])
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Printf("guest %s: %s\n", fact[0], strings.TrimSpace(string(text)))
	}
	fmt.Println("guest booted")
	return syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

// load is init_module(2). A module that is there already is no fault.
func load(file string) error {
	image, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	options := []byte{0}
	_, _, code := syscall.Syscall(syscall.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&image[0])),
		uintptr(len(image)), uintptr(unsafe.Pointer(&options[0])))
	if code != 0 && code != syscall.EEXIST {
		return code
	}
	return nil
}
