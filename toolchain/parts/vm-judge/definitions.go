package main

import (
	"encoding/json"
	"maps"
	"slices"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	cdi "kubevirt.io/containerized-data-importer/pkg/operator/resources"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components"
)

// definitions are those that the two operators make.
func definitions() ([]string, error) {
	made := []string{}

	for _, make := range []func() (*extv1.CustomResourceDefinition, error){
		components.NewKubeVirtCrd, components.NewVirtualMachineCrd, components.NewVirtualMachineInstanceCrd,
		components.NewVirtualMachineSnapshotCrd, components.NewVirtualMachineRestoreCrd,
	} {
		crd, err := make()
		if err != nil {
			return nil, err
		}

		text, err := json.Marshal(crd)
		if err != nil {
			return nil, err
		}

		made = append(made, string(text))
	}

	for _, name := range slices.Sorted(maps.Keys(cdi.CDICRDs)) {
		made = append(made, cdi.CDICRDs[name])
	}

	return made, nil
}
