package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	pluginSource = "/opt/cni/bin"      // in the stand-in's image
	pluginTarget = "/host/opt/cni/bin" // the node's directory
	conflist     = "/host/etc/cni/net.d/05-bedplate-standin.conflist"
	every        = 2 * time.Second
)

type node struct {
	Metadata struct{ Name string }
	Spec     struct{ PodCIDR string }
	Status   struct {
		Addresses []struct{ Type, Address string }
	}
}

func (n node) address() string {
	for _, a := range n.Status.Addresses {
		if a.Type == "InternalIP" {
			return a.Address
		}
	}
	return ""
}

// standin does on a rehearsal node what Cilium's agent does on a real one, as far as pods need it:
// it writes the node's CNI configuration (bridge, host-local) and routes to the other nodes' pods.
func standin(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: standin URL-OF-THE-API")
	}
	me := os.Getenv("NODE_NAME")
	if err := copyPlugins(); err != nil {
		return err
	}
	known := map[string]string{}
	for written := false; ; time.Sleep(every) {
		var nodes struct{ Items []node }
		if err := call(args[0], http.MethodGet, "/api/v1/nodes", nil, &nodes); err != nil {
			log.Print(err)
			continue
		}
		for _, n := range nodes.Items {
			switch {
			case n.Spec.PodCIDR == "" || n.address() == "":
			case n.Metadata.Name == me && !written:
				if err := writeConflist(n.Spec.PodCIDR); err != nil {
					return err
				}
				written = true
				log.Printf("pods of %s get addresses from %s", me, n.Spec.PodCIDR)
			case n.Metadata.Name != me && known[n.Spec.PodCIDR] != n.address():
				if err := route(n.Spec.PodCIDR, n.address()); err != nil {
					log.Printf("route to %s: %v", n.Metadata.Name, err)
					continue
				}
				known[n.Spec.PodCIDR] = n.address()
				log.Printf("pods of %s are at %s through %s", n.Metadata.Name, n.Spec.PodCIDR, n.address())
			}
		}
	}
}

func copyPlugins() error {
	plugins, err := os.ReadDir(pluginSource)
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		raw, err := os.ReadFile(filepath.Join(pluginSource, plugin.Name()))
		if err != nil {
			return err
		}
		// Written beside and renamed: the runtime may be running the old file.
		target := filepath.Join(pluginTarget, plugin.Name())
		if err := os.WriteFile(target+".new", raw, 0o755); err != nil {
			return err
		}
		if err := os.Rename(target+".new", target); err != nil {
			return err
		}
	}
	return nil
}

func writeConflist(subnet string) error {
	config := map[string]any{
		"cniVersion": "1.0.0", "name": "bedplate-standin",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": map[string]any{
					"type":   "host-local",
					"ranges": []any{[]any{map[string]any{"subnet": subnet}}},
					"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
		},
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(conflist), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(conflist+".new", raw, 0o644); err != nil {
		return err
	}
	return os.Rename(conflist+".new", conflist)
}

// cidr splits a network into its address and prefix length, four bytes only.
func cidr(text string) (net.IP, uint8, error) {
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		return nil, 0, err
	}
	four := network.IP.To4()
	if four == nil {
		return nil, 0, fmt.Errorf("%s is not IPv4", text)
	}
	ones, _ := network.Mask.Size()
	return four, uint8(ones), nil
}
