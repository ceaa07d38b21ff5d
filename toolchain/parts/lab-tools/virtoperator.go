package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

type object struct {
	Metadata struct {
		Name, Namespace   string
		DeletionTimestamp string
	}
	Spec struct {
		RunStrategy string
		Running     *bool
	}
	Status map[string]any
}

type objects struct{ Items []object }

// virtOperator stands in for KubeVirt's operator: it brings the VirtualMachine kind, says that
// KubeVirt is Available and that machines which should run do. It runs none.
func virtOperator() error {
	failed := make(chan error, 1)
	go func() { failed <- metrics() }()
	server := "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	for {
		if err := operate(server); err != nil {
			log.Print(err)
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(time.Second):
		}
	}
}

func operate(server string) error {
	const group = "/apis/kubevirt.io/v1"
	var installed, machines objects
	if err := call(server, http.MethodGet, group+"/kubevirts", nil, &installed); err != nil {
		return err
	}
	if len(installed.Items) == 0 {
		return nil
	}
	if err := bringKind(server); err != nil {
		return err
	}
	for _, one := range installed.Items {
		if one.Status["phase"] == "Deployed" {
			continue
		}
		path := fmt.Sprintf("%s/namespaces/%s/kubevirts/%s/status", group, one.Metadata.Namespace, one.Metadata.Name)
		status := map[string]any{
			"phase":      "Deployed",
			"conditions": []any{condition("Available", "AllComponentsReady", "A stand-in: no virtual machine runs.")},
		}
		if err := call(server, http.MethodPatch, path, map[string]any{"status": status}, nil); err != nil {
			return err
		}
		log.Printf("KubeVirt %s is said to be Available", one.Metadata.Name)
	}
	if err := call(server, http.MethodGet, group+"/virtualmachines", nil, &machines); err != nil {
		return err
	}
	for _, one := range machines.Items {
		halted := one.Spec.RunStrategy == "Halted" || one.Spec.Running != nil && !*one.Spec.Running
		status := map[string]any{"printableStatus": "Running", "created": true, "ready": true,
			"conditions": []any{condition("Ready", "StandIn", "Not really: this is a stand-in.")}}
		if halted {
			status = map[string]any{"printableStatus": "Stopped", "created": false, "ready": false, "conditions": nil}
		}
		if one.Status["printableStatus"] == status["printableStatus"] || one.Metadata.DeletionTimestamp != "" {
			continue
		}
		path := fmt.Sprintf("%s/namespaces/%s/virtualmachines/%s/status", group, one.Metadata.Namespace, one.Metadata.Name)
		if err := call(server, http.MethodPatch, path, map[string]any{"status": status}, nil); err != nil {
			return err
		}
		log.Printf("VirtualMachine %s/%s is said to be %s", one.Metadata.Namespace, one.Metadata.Name, status["printableStatus"])
	}
	return nil
}

func condition(kind, reason, message string) map[string]any {
	now := time.Now().UTC().Format(time.RFC3339)
	return map[string]any{"type": kind, "status": "True", "reason": reason, "message": message,
		"lastTransitionTime": now, "lastProbeTime": now}
}

// bringKind makes the VirtualMachine kind, without KubeVirt's schema for it.
func bringKind(server string) error {
	definition := map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "virtualmachines.kubevirt.io"},
		"spec": map[string]any{
			"group": "kubevirt.io", "scope": "Namespaced",
			"names": map[string]any{"kind": "VirtualMachine", "listKind": "VirtualMachineList",
				"plural": "virtualmachines", "singular": "virtualmachine", "shortNames": []string{"vm", "vms"}},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}
	err := call(server, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition, nil)
	var no refused
	if errors.As(err, &no) && no.status == http.StatusConflict {
		return nil
	}
	return err
}

// metrics answers the probes of the operator's Deployment, under a certificate of its own.
func metrics() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "virt-operator"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(7 * 24 * time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "# a stand-in counts nothing")
	})
	server := &http.Server{Addr: ":8443", Handler: mux, ReadHeaderTimeout: 5 * time.Second, TLSConfig: &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
	}}
	return server.ListenAndServeTLS("", "")
}
