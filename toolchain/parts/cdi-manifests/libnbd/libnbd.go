// Package libnbd stands in for the bindings of libnbd, which the module proxy does not serve. It has what
// KubeVirt 1.8.4 (incremental backup) and CDI 1.65.0 (VMware's VDDK) call, and every handle is refused.
package libnbd

import "errors"

const (
	CONTEXT_BASE_ALLOCATION          = "base:allocation"
	CONTEXT_QEMU_DIRTY_BITMAP        = "qemu:dirty-bitmap:"
	STATE_HOLE                uint32 = 1
	STATE_ZERO                uint32 = 2
	STATE_DIRTY               uint32 = 1
)

type CmdFlag uint32

const CMD_FLAG_REQ_ONE CmdFlag = 1 << 3

type LibnbdExtent struct{ Length, Flags uint64 }

type LibnbdError struct {
	Op, Errmsg string
}

func (e *LibnbdError) Error() string { return e.Op + ": " + e.Errmsg }

type (
	ExtentCallback     func(metacontext string, offset uint64, entries []uint32, nbdError *int) int
	Extent64Callback   func(metacontext string, offset uint64, entries []LibnbdExtent, nbdError *int) int
	PreadOptargs       struct{}
	BlockStatusOptargs struct {
		FlagsSet bool
		Flags    CmdFlag
	}
	BlockStatus64Optargs struct{}
	Libnbd               struct{}
)

var errNone = errors.New("this build has no libnbd")

func Create() (*Libnbd, error)                                                        { return nil, errNone }
func (*Libnbd) Close() *LibnbdError                                                   { return nil }
func (*Libnbd) AddMetaContext(string) error                                           { return errNone }
func (*Libnbd) CanMetaContext(string) (bool, error)                                   { return false, errNone }
func (*Libnbd) GetSize() (uint64, error)                                              { return 0, errNone }
func (*Libnbd) SetExportName(string) error                                            { return errNone }
func (*Libnbd) ConnectUnix(string) error                                              { return errNone }
func (*Libnbd) ConnectUri(string) error                                               { return errNone }
func (*Libnbd) Pread([]byte, uint64, *PreadOptargs) error                             { return errNone }
func (*Libnbd) BlockStatus(uint64, uint64, ExtentCallback, *BlockStatusOptargs) error { return errNone }
func (*Libnbd) BlockStatus64(uint64, uint64, Extent64Callback, *BlockStatus64Optargs) error {
	return errNone
}
