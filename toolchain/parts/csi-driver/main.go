// csi-driver is the storage driver of a rehearsal: volumes and snapshots are files in a folder that every node of the
// lab has, so a volume can be in use on several nodes at once.
//
// A volume that pods mount is a folder, and its size is not enforced. A block volume is a sparse file behind a loop
// device. A snapshot, a restored volume and a clone are full copies: what is written while a volume is copied may be in
// the copy or not, as with a disk array that is not asked to flush first.
//
// One process serves all three services of CSI; the controller's pod and each node's pod run the same program. With
// --registration it also announces itself to the kubelet, which otherwise takes a sidecar.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

func main() {
	endpoint := flag.String("endpoint", "/csi/csi.sock", "the socket that it serves")
	name := flag.String("name", "files.bedplate.local", "the driver's name, as classes have it")
	node := flag.String("node", "", "the name of this node")
	folder := flag.String("folder", "/shared", "the folder of all volumes, the same on each node")
	devices := flag.String("devices", "/dev/loop[0-9]*", "the loop devices that it may use")
	registration := flag.String("registration", "", "the socket by which the kubelet finds it, where it serves a node")
	address := flag.String("address", "", "the path of the endpoint on the node, as the kubelet sees it")
	flag.Parse()
	if err := run(*endpoint, *name, *node, *folder, *devices, *registration, *address); err != nil {
		fmt.Fprintf(os.Stderr, "csi-driver: %v\n", err)
		os.Exit(1)
	}
}

func run(endpoint, name, node, folder, devices, registration, address string) error {
	store, err := open(folder)
	if err != nil {
		return err
	}
	listener, err := listen(endpoint)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logged))
	csi.RegisterIdentityServer(server, &identity{name: name})
	csi.RegisterControllerServer(server, &controller{store: store})
	csi.RegisterNodeServer(server, &nodeServer{store: store, name: node, loops: loops{pattern: devices, node: node}})
	if registration != "" {
		if err := register(registration, name, address); err != nil {
			return err
		}
	}
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-ending
		server.GracefulStop()
	}()
	return server.Serve(listener)
}

// listen takes over the socket of a driver that was killed.
func listen(path string) (net.Listener, error) {
	path = strings.TrimPrefix(path, "unix://")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// logged prints each refused call. Requests may hold secrets, so they are not printed.
func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := handler(ctx, request)
	if err != nil {
		log.Printf("%s: %v", info.FullMethod, err)
	}
	return answer, err
}
