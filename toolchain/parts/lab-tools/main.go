// Command lab-tools holds the few small programs that the rehearsal puts inside its nodes and
// images and that no package registry offers on its own. One static binary serves them all; the
// name it is called by chooses.
//
// It needs the standard library only, so it has no go.sum and nothing to fetch.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name == "lab-tools" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "runc":
		err = runc(args)
	case "mount":
		err = mount(args)
	case "umount":
		err = umount(args)
	case "losetup":
		err = losetup(args)
	case "pause":
		pause()
	case "hello":
		err = hello(args)
	case "standin":
		err = standin(args)
	case "kubelet-serving-cert-approver":
		err = approve(args)
	case "init":
		err = initialize()
	case "pki":
		err = pki(args)
	default:
		err = fmt.Errorf("no program %q in lab-tools", name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
