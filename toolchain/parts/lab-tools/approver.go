package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	certificates = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
	serving      = "kubernetes.io/kubelet-serving"
)

// approve stands in for kubelet-serving-cert-approver, which the module proxy doesn't serve: the same requests, judged
// by the same rules, with the same calls to the API and so the same rights. It looks once a second and elects nobody.
func approve(args []string) error {
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("called as %q, and the real one is called as serve", strings.Join(args, " "))
	}
	failed := make(chan error, 1)
	go func() { failed <- health() }()
	server := "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	for {
		if err := approveAll(server); err != nil {
			log.Print(err)
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(time.Second):
		}
	}
}

func approveAll(server string) error {
	var found struct{ Items []map[string]any }
	if err := call(server, http.MethodGet, certificates, nil, &found); err != nil {
		return err
	}
	for _, one := range found.Items {
		spec, _ := one["spec"].(map[string]any)
		status, _ := one["status"].(map[string]any)
		if spec["signerName"] != serving || status["conditions"] != nil || status["certificate"] != nil {
			continue
		}
		name := one["metadata"].(map[string]any)["name"].(string)
		if err := conforms(spec); err != nil {
			log.Printf("%s: %v", name, err)
			continue
		}
		if err := mayAsk(server, spec); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// list leaves both out of its items.
		one["apiVersion"], one["kind"] = "certificates.k8s.io/v1", "CertificateSigningRequest"
		one["status"] = map[string]any{"conditions": []any{map[string]any{
			"type": "Approved", "status": "True", "reason": "StandIn", "message": "Approved by the rehearsal's stand-in."}}}
		if err := call(server, http.MethodPut, certificates+"/"+name+"/approval", one, nil); err != nil {
			return err
		}
		log.Printf("%s of %s approved", name, spec["username"])
		if err := tell(server, name); err != nil {
			return err
		}
	}
	return nil
}

// conforms says whether a node asks for itself, and for nothing but serving.
func conforms(spec map[string]any) error {
	var raw []byte
	if text, _ := spec["request"].(string); text != "" {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		raw = decoded
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return errors.New("holds no request")
	}
	wanted, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	subject := wanted.Subject
	if !slices.Equal(subject.Organization, []string{"system:nodes"}) || !strings.HasPrefix(subject.CommonName, "system:node:") {
		return fmt.Errorf("is for %s, which is no node", subject)
	}
	if subject.CommonName != spec["username"] {
		return fmt.Errorf("is for %s, asked by %v", subject.CommonName, spec["username"])
	}
	if len(wanted.EmailAddresses)+len(wanted.URIs) > 0 || len(wanted.DNSNames)+len(wanted.IPAddresses) == 0 {
		return errors.New("has not names and addresses alone")
	}
	usages, _ := spec["usages"].([]any)
	for _, usage := range usages {
		if !slices.Contains([]any{"digital signature", "key encipherment", "server auth"}, usage) {
			return fmt.Errorf("is for %v", usage)
		}
	}
	return nil
}

// mayAsk has the API say whether who asked may ask at all.
func mayAsk(server string, spec map[string]any) error {
	review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": map[string]any{
		"user": spec["username"], "groups": spec["groups"], "uid": spec["uid"], "extra": spec["extra"],
		"resourceAttributes": map[string]any{"group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create"},
	}}
	var answer struct{ Status struct{ Allowed bool } }
	if err := call(server, http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", review, &answer); err != nil {
		return err
	}
	if !answer.Status.Allowed {
		return fmt.Errorf("%v may not ask for certificates", spec["username"])
	}
	return nil
}

// tell writes the event; a request is in no namespace, so it goes to default.
func tell(server, name string) error {
	return call(server, http.MethodPost, "/api/v1/namespaces/default/events", map[string]any{
		"apiVersion": "v1", "kind": "Event", "type": "Normal", "reason": "Approved",
		"metadata":       map[string]any{"generateName": name + ".", "namespace": "default"},
		"message":        "The request has been approved.",
		"involvedObject": map[string]any{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "name": name},
		"source":         map[string]any{"component": "kubelet-serving-cert-approver"},
	}, nil)
}

// health answers the probes, where the real one does.
func health() error {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	}
	return (&http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe()
}
