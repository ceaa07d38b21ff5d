// The agent of Cilium, made as its own main makes it, for nodes that run in a user namespace.
//
// There, the kernel does not show the instructions of a loaded program. The library calls that "not supported", and the
// agent would take it for a kernel without a JIT compiler. "Restricted" is what the library calls the same answer of a
// kernel that hides instructions, and the agent accepts that.
package main

import (
	"github.com/cilium/cilium/daemon/cmd"
	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/ebpf"
)

func main() {
	ebpf.ErrRestrictedKernel = ebpf.ErrNotSupported
	cmd.Execute(cmd.NewAgentCmd(func() *hive.Hive { return hive.New(cmd.Agent) }))
}
