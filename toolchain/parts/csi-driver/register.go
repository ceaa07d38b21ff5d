package main

import (
	"context"
	"log"

	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registrar answers the kubelet, which looks for sockets in its folder of plugins and asks each what it is.
type registrar struct {
	registration.UnimplementedRegistrationServer
	name, address string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: r.name, Endpoint: r.address, SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (r *registrar) NotifyRegistrationStatus(
	_ context.Context, said *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if said.GetPluginRegistered() {
		log.Print("the kubelet knows this driver")
	} else {
		log.Printf("the kubelet refuses this driver: %s", said.GetError())
	}
	return &registration.RegistrationStatusResponse{}, nil
}

func register(socket, name, address string) error {
	listener, err := listen(socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	registration.RegisterRegistrationServer(server, &registrar{name: name, address: address})
	go func() { log.Print(server.Serve(listener)) }()
	return nil
}
