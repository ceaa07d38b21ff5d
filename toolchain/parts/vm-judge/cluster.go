package main

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	authclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	v1 "kubevirt.io/api/core/v1"
	"kubevirt.io/client-go/containerizeddataimporter"
	cdifake "kubevirt.io/client-go/containerizeddataimporter/fake"
	"kubevirt.io/client-go/kubecli"
	kubevirt "kubevirt.io/client-go/kubevirt"
	virtfake "kubevirt.io/client-go/kubevirt/fake"
	instancetype "kubevirt.io/client-go/kubevirt/typed/instancetype/v1beta1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"kubevirt.io/kubevirt/pkg/controller"
	instancetypes "kubevirt.io/kubevirt/pkg/instancetype/controller/vm"
	network "kubevirt.io/kubevirt/pkg/network/controllers"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
	"kubevirt.io/kubevirt/pkg/virt-controller/watch/vm"
)

const (
	namespace    = "kubevirt"
	architecture = "amd64"
)

// cluster is what KubeVirt's programs know of the cluster that they run in.
type cluster struct {
	config *virtconfig.ClusterConfig
}

// cluster returns the one with this KubeVirt object, made once.
func (j *judge) cluster(object json.RawMessage) (*cluster, error) {
	if made, ok := j.clusters[string(object)]; ok {
		return made, nil
	}

	kv := &v1.KubeVirt{}
	if len(object) > 0 {
		if err := strict(object, kv); err != nil {
			return nil, fmt.Errorf("kubevirt: %w", err)
		}
	}

	kv.Name, kv.Namespace, kv.ResourceVersion = namespace, namespace, "1"
	kv.Status.Phase, kv.Status.DefaultArchitecture = v1.KubeVirtPhaseDeployed, architecture

	crds, kubevirts := informer(&extv1.CustomResourceDefinition{}, nil), informer(&v1.KubeVirt{}, nil)
	for _, kind := range []string{"DataVolume", "DataSource"} {
		crd := &extv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: kind}}
		crd.Spec.Group, crd.Spec.Names.Kind = "cdi.kubevirt.io", kind

		if err := crds.GetStore().Add(crd); err != nil {
			return nil, err
		}
	}

	if err := kubevirts.GetStore().Add(kv); err != nil {
		return nil, err
	}

	config, err := virtconfig.NewClusterConfigWithCPUArch(crds, kubevirts, namespace, architecture)
	if err != nil {
		return nil, err
	}

	j.clusters[string(object)] = &cluster{config: config}

	return j.clusters[string(object)], nil
}

// client is a cluster's API server in memory. KubeVirt's own fakes hold its objects.
type client struct {
	// Nil: whatever else would be called panics, and the answer is an error.
	kubecli.KubevirtClient

	kube *k8sfake.Clientset
	virt *virtfake.Clientset
	cdi  *cdifake.Clientset
}

func newClient(others []runtime.Object) (*client, error) {
	made := &client{kube: k8sfake.NewSimpleClientset(), virt: virtfake.NewSimpleClientset(), cdi: cdifake.NewSimpleClientset()}

	for _, other := range others {
		var err error

		switch group := other.GetObjectKind().GroupVersionKind().Group; group {
		case "cdi.kubevirt.io":
			err = made.cdi.Tracker().Add(other)
		case "kubevirt.io", "instancetype.kubevirt.io", "snapshot.kubevirt.io":
			err = made.virt.Tracker().Add(other)
		default:
			err = made.kube.Tracker().Add(other)
		}

		if err != nil {
			return nil, err
		}
	}

	return made, nil
}

func (c *client) VirtualMachine(namespace string) kubecli.VirtualMachineInterface {
	return c.virt.KubevirtV1().VirtualMachines(namespace)
}

func (c *client) VirtualMachineInstance(namespace string) kubecli.VirtualMachineInstanceInterface {
	return c.virt.KubevirtV1().VirtualMachineInstances(namespace)
}

func (c *client) VirtualMachineInstancetype(namespace string) instancetype.VirtualMachineInstancetypeInterface {
	return c.virt.InstancetypeV1beta1().VirtualMachineInstancetypes(namespace)
}

func (c *client) VirtualMachineClusterInstancetype() instancetype.VirtualMachineClusterInstancetypeInterface {
	return c.virt.InstancetypeV1beta1().VirtualMachineClusterInstancetypes()
}

func (c *client) VirtualMachinePreference(namespace string) instancetype.VirtualMachinePreferenceInterface {
	return c.virt.InstancetypeV1beta1().VirtualMachinePreferences(namespace)
}

func (c *client) VirtualMachineClusterPreference() instancetype.VirtualMachineClusterPreferenceInterface {
	return c.virt.InstancetypeV1beta1().VirtualMachineClusterPreferences()
}

func (c *client) GeneratedKubeVirtClient() kubevirt.Interface    { return c.virt }
func (c *client) CdiClient() containerizeddataimporter.Interface { return c.cdi }
func (c *client) AppsV1() appsclient.AppsV1Interface             { return c.kube.AppsV1() }
func (c *client) CoreV1() coreclient.CoreV1Interface             { return c.kube.CoreV1() }
func (c *client) AuthorizationV1() authclient.AuthorizationV1Interface {
	return c.kube.AuthorizationV1()
}

var _ kubernetes.Interface = (*k8sfake.Clientset)(nil)

// stores are the objects that virt-controller sees.
type stores struct {
	vms, vmis, claims, disks, revisions, namespaces cache.SharedIndexInformer
}

func newStores() stores {
	owners := cache.Indexers{"vm": func(object any) ([]string, error) {
		for _, owner := range object.(*appsv1.ControllerRevision).OwnerReferences {
			if owner.Kind == "VirtualMachine" {
				return []string{string(owner.UID)}, nil
			}
		}

		return nil, nil
	}}

	return stores{
		vms:        informer(&v1.VirtualMachine{}, controller.GetVirtualMachineInformerIndexers()),
		vmis:       informer(&v1.VirtualMachineInstance{}, controller.GetVMIInformerIndexers()),
		claims:     informer(&corev1.PersistentVolumeClaim{}, nil),
		disks:      informer(&cdiv1.DataVolume{}, nil),
		revisions:  informer(&appsv1.ControllerRevision{}, owners),
		namespaces: informer(&corev1.Namespace{}, nil),
	}
}

// controller is virt-controller's part for VirtualMachines, as its program puts it together.
func (c *cluster) controller(api *client, s stores) (*vm.Controller, error) {
	events := &record.FakeRecorder{}
	empty := func(of runtime.Object) cache.Store { return informer(of, nil).GetStore() }
	types := instancetypes.New(empty(&v1.VirtualMachine{}), empty(&v1.VirtualMachine{}), empty(&v1.VirtualMachine{}),
		empty(&v1.VirtualMachine{}), s.revisions.GetStore(), api, c.config, events)

	return vm.NewController(s.vmis, s.vms, s.disks, informer(&cdiv1.DataSource{}, nil), informer(&v1.KubeVirt{}, nil),
		s.namespaces, s.claims, s.revisions, events, api, c.config, network.NewVMController(api.virt, c.config),
		vm.NewFirmwareController(api.virt), types, nil, nil)
}

func informer(of runtime.Object, indexers cache.Indexers) cache.SharedIndexInformer {
	if indexers == nil {
		indexers = cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	}

	return cache.NewSharedIndexInformer(&cache.ListWatch{}, of, 0, indexers)
}

// objects reads the objects that exist, of any kind that KubeVirt, CDI or Kubernetes know.
func objects(texts []json.RawMessage) ([]runtime.Object, error) {
	made := make([]runtime.Object, 0, len(texts))

	for _, text := range texts {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(text, nil, nil)
		if err != nil {
			return nil, err
		}

		made = append(made, object)
	}

	return made, nil
}
