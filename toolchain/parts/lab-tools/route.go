package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"syscall"
)

// route sets "subnet via gateway" in the main table, replacing what is there.
//
// One netlink message is all it takes; a library for it would be the only dependency here.
func route(subnet, gateway string) error {
	destination, length, err := cidr(subnet)
	if err != nil {
		return err
	}
	via := net.ParseIP(gateway).To4()
	if via == nil {
		return fmt.Errorf("%s is not IPv4", gateway)
	}
	body := []byte{syscall.AF_INET, length, 0, 0, syscall.RT_TABLE_MAIN, syscall.RTPROT_STATIC,
		syscall.RT_SCOPE_UNIVERSE, syscall.RTN_UNICAST, 0, 0, 0, 0}
	body = append(body, attribute(syscall.RTA_DST, destination)...)
	body = append(body, attribute(syscall.RTA_GATEWAY, via)...)

	message := make([]byte, syscall.NLMSG_HDRLEN, syscall.NLMSG_HDRLEN+len(body))
	binary.NativeEndian.PutUint32(message[0:], uint32(syscall.NLMSG_HDRLEN+len(body)))
	binary.NativeEndian.PutUint16(message[4:], syscall.RTM_NEWROUTE)
	binary.NativeEndian.PutUint16(message[6:],
		syscall.NLM_F_REQUEST|syscall.NLM_F_ACK|syscall.NLM_F_CREATE|syscall.NLM_F_REPLACE)
	message = append(message, body...)

	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	kernel := &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}
	if err := syscall.Sendto(socket, message, 0, kernel); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	size, _, err := syscall.Recvfrom(socket, answer, 0)
	if err != nil {
		return err
	}
	if size < syscall.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(answer[4:]) != syscall.NLMSG_ERROR {
		return fmt.Errorf("the kernel answered %d bytes that are no acknowledgement", size)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[syscall.NLMSG_HDRLEN:])); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}

func attribute(kind uint16, value []byte) []byte {
	raw := make([]byte, 4, 8)
	binary.NativeEndian.PutUint16(raw[0:], uint16(4+len(value)))
	binary.NativeEndian.PutUint16(raw[2:], kind)
	return append(raw, value...) // addresses are four bytes: already aligned
}
