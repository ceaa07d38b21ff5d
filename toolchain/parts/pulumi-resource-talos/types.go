package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// The SDKs share one type between all properties of the same shape, and so must the plugin: what
// machine.Secrets yields is then what machine.getConfiguration takes. The bridge by itself would
// make a type of its own for each property.
const shared = "talos:machine/generated:"

// field is one property of a shared type: a plain string, a secret one, or another shared type.
type field struct {
	name     string
	ref      string
	secret   bool
	optional bool
}

var sharedTypes = map[string][]field{
	"Key":         {{name: "key", secret: true}},
	"Certificate": {{name: "cert"}, {name: "key", secret: true}},
	"Certificates": {
		{name: "etcd", ref: "Certificate"},
		{name: "k8s", ref: "Certificate"},
		{name: "k8sAggregator", ref: "Certificate"},
		{name: "k8sServiceaccount", ref: "Key"},
		{name: "os", ref: "Certificate"},
	},
	"Cluster":    {{name: "id"}, {name: "secret", secret: true}},
	"TrustdInfo": {{name: "token", secret: true}},
	"KubernetesSecrets": {
		{name: "bootstrapToken", secret: true},
		{name: "secretboxEncryptionSecret", secret: true},
		{name: "aescbcEncryptionSecret", secret: true, optional: true},
	},
	"MachineSecrets": {
		{name: "certs", ref: "Certificates"},
		{name: "cluster", ref: "Cluster"},
		{name: "secrets", ref: "KubernetesSecrets"},
		{name: "trustdinfo", ref: "TrustdInfo"},
	},
	"ClientConfiguration": {
		{name: "caCertificate"},
		{name: "clientCertificate"},
		{name: "clientKey", secret: true},
	},
}

// extraTypes yields the shared types in the words of a package schema.
func extraTypes() map[string]schema.ComplexTypeSpec {
	specs := map[string]schema.ComplexTypeSpec{}
	for name, fields := range sharedTypes {
		spec := schema.ObjectTypeSpec{Type: "object", Properties: map[string]schema.PropertySpec{}}
		for _, f := range fields {
			property := schema.PropertySpec{Secret: f.secret}
			if f.ref == "" {
				property.Type = "string"
			} else {
				property.Ref = "#/types/" + shared + f.ref
			}
			spec.Properties[f.name] = property
			if !f.optional {
				spec.Required = append(spec.Required, f.name)
			}
		}
		specs[shared+name] = schema.ComplexTypeSpec{ObjectTypeSpec: spec}
	}
	return specs
}

// typed says which shared types the named properties have.
func typed(names map[string]string) map[string]*tfbridge.SchemaInfo {
	fields := map[string]*tfbridge.SchemaInfo{}
	for property, name := range names {
		fields[property] = &tfbridge.SchemaInfo{
			Elem: &tfbridge.SchemaInfo{Type: tokens.Type(shared + name)},
		}
	}
	return fields
}

// named gives the type of one nested property the name it has in the SDKs.
func named(fields map[string]*tfbridge.SchemaInfo, property, name string) map[string]*tfbridge.SchemaInfo {
	fields[property] = &tfbridge.SchemaInfo{Elem: &tfbridge.SchemaInfo{NestedType: tokens.Type(name)}}
	return fields
}
