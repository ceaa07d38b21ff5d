package main

import (
	"fmt"
	"strings"

	"github.com/siderolabs/talos/pkg/machinery/config/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/container"
	"github.com/siderolabs/talos/pkg/machinery/config/types/v1alpha1"
	"github.com/siderolabs/talos/pkg/machinery/config/validation"
)

// keyed are the kinds of documents that hold the PKI and nothing that a stack file sets.
var keyed = map[string]bool{
	"DiscoveryIdentityConfig":  true,
	"KubeAPIServerCAConfig":    true,
	"KubeAggregatorCAConfig":   true,
	"KubeEtcdEncryptionConfig": true,
	"KubeServiceAccountConfig": true,
}

// whole validates a config that lacks its PKI: a PKI that was made for this process alone takes its place.
func (j *judge) whole(r request) (a answer, err error) {
	// A panic is how some releases refuse a config.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()

	pki, err := j.stand(r)
	if err != nil {
		return a, fmt.Errorf("generate: %w", err)
	}

	loaded, err := configloader.NewFromBytes([]byte(r.Config))
	if err != nil {
		return a, fmt.Errorf("read: %w", err)
	}

	merged, err := configpatcher.StrategicMerge(loaded, pki)
	if err != nil {
		return a, fmt.Errorf("merge: %w", err)
	}

	a.Warnings, err = merged.Validate(mode(r.Mode), validation.WithLocal())
	if err != nil {
		return a, fmt.Errorf("validate: %w", err)
	}

	return a, nil
}

// stand is the PKI that the generator writes for a role, and nothing else of what it writes.
func (j *judge) stand(r request) (configpatcher.StrategicMergePatch, error) {
	key := strings.Join([]string{r.Contract, r.Role}, " ")
	if made, ok := j.stands[key]; ok {
		return made, nil
	}

	text, err := j.base(r)
	if err != nil {
		return nil, err
	}

	loaded, err := configloader.NewFromBytes(text)
	if err != nil {
		return nil, err
	}

	var documents []config.Document

	for _, document := range loaded.Documents() {
		switch found, ok := document.(*v1alpha1.Config); {
		case ok:
			documents = append(documents, secretsOf(found))
		case keyed[document.Kind()]:
			documents = append(documents, document)
		}
	}

	made, err := container.New(documents...)
	if err != nil {
		return nil, err
	}

	j.stands[key] = configpatcher.NewStrategicMergePatch(made)

	return j.stands[key], nil
}

func secretsOf(from *v1alpha1.Config) *v1alpha1.Config {
	cluster := &v1alpha1.ClusterConfig{
		ClusterID:                        from.ClusterConfig.ClusterID,
		ClusterSecret:                    from.ClusterConfig.ClusterSecret,
		BootstrapToken:                   from.ClusterConfig.BootstrapToken,
		ClusterSecretboxEncryptionSecret: from.ClusterConfig.ClusterSecretboxEncryptionSecret,
		ClusterCA:                        from.ClusterConfig.ClusterCA,
		ClusterAggregatorCA:              from.ClusterConfig.ClusterAggregatorCA,
		ClusterServiceAccount:            from.ClusterConfig.ClusterServiceAccount,
	}

	if from.ClusterConfig.EtcdConfig != nil {
		cluster.EtcdConfig = &v1alpha1.EtcdConfig{RootCA: from.ClusterConfig.EtcdConfig.RootCA}
	}

	return &v1alpha1.Config{
		ConfigVersion: "v1alpha1",
		MachineConfig: &v1alpha1.MachineConfig{
			MachineToken: from.MachineConfig.MachineToken,
			MachineCA:    from.MachineConfig.MachineCA,
		},
		ClusterConfig: cluster,
	}
}
