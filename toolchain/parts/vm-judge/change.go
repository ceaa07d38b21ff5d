package main

import (
	"context"
	"encoding/json"
	"errors"
	"sort"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/testing"

	v1 "kubevirt.io/api/core/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"kubevirt.io/kubevirt/pkg/controller"
	"kubevirt.io/kubevirt/pkg/network/migration"
	"kubevirt.io/kubevirt/pkg/network/vmispec"
)

// rounds is how often virt-controller is called for one change. It writes one thing, and comes back for the next.
const rounds = 4

func (j *judge) change(r request, a *answer) error {
	c, err := j.cluster(r.KubeVirt)
	if err != nil {
		return err
	}

	before, after := &v1.VirtualMachine{}, &v1.VirtualMachine{}
	if err := errors.Join(strict(r.Old, before), strict(r.New, after)); err != nil {
		return err
	}

	others, err := objects(r.Others)
	if err != nil {
		return err
	}

	api, err := newClient(others)
	if err != nil {
		return err
	}

	before, err = c.admitted(api, before, nil, a)
	if err != nil {
		return err
	}

	vmi, revisions, err := c.started(api, before, a)
	if err != nil || len(a.Causes) > 0 {
		return errors.Join(err, a.unstarted())
	}

	running(vmi, r.Migratable)

	after.ObjectMeta = merged(before.ObjectMeta, after.ObjectMeta)
	keepGenerated(before, after)

	after, err = c.admitted(api, after, before, a)
	if err != nil || len(a.Causes) > 0 {
		return err
	}

	after.Generation, after.Status = before.Generation+1, before.Status

	return c.follow(api, after, vmi, revisions, others, a)
}

// unstarted is the error of a question whose old VirtualMachine could never have run.
func (a *answer) unstarted() error {
	if len(a.Causes) == 0 {
		return nil
	}

	return errors.New("old: " + a.Causes[0].Field + ": " + a.Causes[0].Message)
}

// merged is an object's metadata after an update by server-side apply: what the server wrote stays.
func merged(old, new metav1.ObjectMeta) metav1.ObjectMeta {
	kept := *old.DeepCopy()
	kept.Labels, kept.Annotations = new.Labels, map[string]string{}

	for _, each := range []map[string]string{old.Annotations, new.Annotations} {
		for key, value := range each {
			kept.Annotations[key] = value
		}
	}

	return kept
}

// keepGenerated gives the new VirtualMachine what admission wrote into the old one and nothing declares: server-side
// apply leaves it.
func keepGenerated(old, new *v1.VirtualMachine) {
	before, after := &old.Spec.Template.Spec, &new.Spec.Template.Spec
	if after.Domain.Firmware == nil {
		after.Domain.Firmware = &v1.Firmware{}
	}

	if after.Domain.Firmware.UUID == "" {
		after.Domain.Firmware.UUID = before.Domain.Firmware.UUID
	}

	if after.Domain.Firmware.Serial == "" {
		after.Domain.Firmware.Serial = before.Domain.Firmware.Serial
	}

	if after.Domain.Machine == nil {
		after.Domain.Machine = before.Domain.Machine
	}

	for key, value := range old.Spec.Template.ObjectMeta.Annotations {
		if new.Spec.Template.ObjectMeta.Annotations == nil {
			new.Spec.Template.ObjectMeta.Annotations = map[string]string{}
		}

		if _, ok := new.Spec.Template.ObjectMeta.Annotations[key]; !ok {
			new.Spec.Template.ObjectMeta.Annotations[key] = value
		}
	}
}

// started is the instance that virt-controller makes of a VirtualMachine, as the API server stores it, and the revision
// with which virt-controller compares later changes.
func (c *cluster) started(
	api *client, vm *v1.VirtualMachine, a *answer,
) (*v1.VirtualMachineInstance, []appsv1.ControllerRevision, error) {
	vm.UID, vm.Generation = "vm", 1
	controller.SetLatestApiVersionAnnotation(vm)

	if err := api.virt.Tracker().Add(vm); err != nil {
		return nil, nil, err
	}

	s := newStores()
	if err := c.call(api, s, vm); err != nil {
		return nil, nil, err
	}

	made, err := api.VirtualMachineInstance(vm.Namespace).Get(context.Background(), vm.Name, metav1.GetOptions{})
	if err != nil {
		a.refuse("instance", "", why(api, vm))

		return nil, nil, nil
	}

	revisions, err := api.kube.AppsV1().ControllerRevisions(vm.Namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil, nil, err
	}

	made, err = c.instance(made, a)

	return made, revisions.Items, err
}

// why is virt-controller's reason for a VirtualMachine that it does not start.
func why(api *client, vm *v1.VirtualMachine) string {
	seen, err := api.VirtualMachine(vm.Namespace).Get(context.Background(), vm.Name, metav1.GetOptions{})
	if err == nil {
		for _, condition := range seen.Status.Conditions {
			if condition.Type == v1.VirtualMachineFailure {
				return condition.Message
			}
		}
	}

	return "virt-controller makes no instance of it"
}

// call lets virt-controller look at a VirtualMachine once.
func (c *cluster) call(api *client, s stores, vm *v1.VirtualMachine) error {
	key, err := controller.KeyFunc(vm)
	if err != nil {
		return err
	}

	if err := s.vms.GetStore().Add(vm); err != nil {
		return err
	}

	worker, err := c.controller(api, s)
	if err != nil {
		return err
	}

	defer worker.Queue.ShutDown()
	worker.Queue.Add(key)
	worker.Execute()

	return nil
}

// running gives an instance the status of one that runs, as virt-handler reports it.
func running(vmi *v1.VirtualMachineInstance, migratable bool) {
	vmi.UID = "vmi"
	vmi.Status.Phase = v1.Running
	can := corev1.ConditionFalse
	if migratable {
		can = corev1.ConditionTrue
	}

	vmi.Status.Conditions = []v1.VirtualMachineInstanceCondition{
		{Type: v1.VirtualMachineInstanceReady, Status: corev1.ConditionTrue},
		{Type: v1.VirtualMachineInstanceIsMigratable, Status: can},
		{Type: v1.VirtualMachineInstanceIsStorageLiveMigratable, Status: can},
	}

	if memory := vmi.Spec.Domain.Memory; memory != nil && memory.Guest != nil {
		vmi.Status.Memory = &v1.MemoryStatus{
			GuestAtBoot: memory.Guest, GuestCurrent: memory.Guest, GuestRequested: memory.Guest,
		}
	}

	if cpu := vmi.Spec.Domain.CPU; cpu != nil {
		vmi.Status.CurrentCPUTopology = &v1.CPUTopology{Cores: cpu.Cores, Sockets: cpu.Sockets, Threads: cpu.Threads}
	}

	for _, volume := range vmi.Spec.Volumes {
		vmi.Status.VolumeStatus = append(vmi.Status.VolumeStatus, v1.VolumeStatus{Name: volume.Name})
	}

	for _, nic := range vmi.Spec.Domain.Devices.Interfaces {
		vmi.Status.Interfaces = append(vmi.Status.Interfaces, v1.VirtualMachineInstanceNetworkInterface{
			Name:             nic.Name,
			PodInterfaceName: "pod" + nic.Name,
			InfoSource:       vmispec.NewInfoSource(vmispec.InfoSourceDomain, vmispec.InfoSourceMultusStatus),
		})
	}
}

// follow calls virt-controller until it has nothing left to do for a changed VirtualMachine.
func (c *cluster) follow(
	api *client, vm *v1.VirtualMachine, vmi *v1.VirtualMachineInstance, revisions []appsv1.ControllerRevision,
	others []runtime.Object, a *answer,
) error {
	if err := errors.Join(store(api, vm), store(api, vmi)); err != nil {
		return err
	}

	pod, err := launcher(vmi)
	if err != nil {
		return err
	}

	live := map[string]bool{}

	for range rounds {
		api.virt.ClearActions()

		s := newStores()
		for i := range revisions {
			// The indexer takes those that a VirtualMachine owns.
			if err := s.revisions.GetStore().Add(&revisions[i]); err != nil {
				return err
			}
		}

		for _, other := range others {
			if err := errors.Join(held(s, other)); err != nil {
				return err
			}
		}

		if err := s.vmis.GetStore().Add(vmi); err != nil {
			return err
		}

		if err := c.call(api, s, vm); err != nil {
			return err
		}

		done := written(api.virt.Actions(), live, a)

		vm, err = api.VirtualMachine(vm.Namespace).Get(context.Background(), vm.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}

		after, err := api.VirtualMachineInstance(vm.Namespace).Get(context.Background(), vm.Name, metav1.GetOptions{})
		if err != nil || a.Stops || done {
			break
		}

		vmi = after
	}

	for _, condition := range vm.Status.Conditions {
		if condition.Type == v1.VirtualMachineRestartRequired {
			a.Restart = condition.Message
		}
	}

	for path := range live {
		a.Live = append(a.Live, path)
	}

	sort.Strings(a.Live)

	required := func() bool {
		return migration.NewEvaluator(c.config).Evaluate(vmi, pod) != corev1.ConditionUnknown
	}
	a.Moves = moves(live) || required()
	unplugged(vmi)
	a.Taken = !a.Moves && required()
	a.Moves = a.Moves || a.Taken

	return nil
}

// moves tells of fields whose change KubeVirt completes by a migration of the instance: those for which its
// workload-updater and its volume migration start one.
func moves(live map[string]bool) bool {
	return live["/spec/domain/cpu/sockets"] || live["/spec/domain/memory/guest"] || live["/status/migratedVolumes"]
}

// unplugged reports as virt-handler does once the guest has lost the links that are taken out.
func unplugged(vmi *v1.VirtualMachineInstance) {
	for _, nic := range vmi.Spec.Domain.Devices.Interfaces {
		for i := range vmi.Status.Interfaces {
			if seen := &vmi.Status.Interfaces[i]; seen.Name == nic.Name && nic.State == v1.InterfaceStateAbsent {
				seen.InfoSource = vmispec.NewInfoSource(vmispec.InfoSourceMultusStatus)
			}
		}
	}
}

// launcher is the pod of an instance, with what Multus writes of its networks.
func launcher(vmi *v1.VirtualMachineInstance) (*corev1.Pod, error) {
	type status struct {
		Name      string `json:"name"`
		Interface string `json:"interface"`
	}

	var known []status

	for _, each := range vmi.Spec.Networks {
		if each.Multus != nil {
			known = append(known, status{Name: each.Multus.NetworkName, Interface: "pod" + each.Name})
		}
	}

	text, err := json.Marshal(known)
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{"k8s.v1.cni.cncf.io/network-status": string(text)}

	return pod, err
}

// written reads what virt-controller wrote. It returns whether that was nothing.
func written(actions []testing.Action, live map[string]bool, a *answer) bool {
	done := true

	for _, action := range actions {
		switch each := action.(type) {
		case testing.DeleteAction:
			if action.GetResource().Resource == "virtualmachineinstances" {
				a.Stops = true
			}
		case testing.PatchAction:
			done = false

			if action.GetResource().Resource == "virtualmachineinstances" {
				for _, path := range paths(each.GetPatch()) {
					live[path] = true
				}
			}
		case testing.UpdateAction:
			// Its own status is written at each call.
			done = done && action.GetSubresource() == "status"
		}
	}

	return done
}

// paths are the fields that a patch of a running instance writes, without the annotation with the object's generation.
func paths(patch []byte) []string {
	var operations []struct {
		Op   string `json:"op"`
		Path string `json:"path"`
	}

	if err := json.Unmarshal(patch, &operations); err != nil {
		return []string{"/"}
	}

	var found []string

	for _, each := range operations {
		if each.Op != "test" && each.Path != "/metadata/annotations" && each.Path != "/metadata/annotations/kubevirt.io~1vm-generation" {
			found = append(found, each.Path)
		}
	}

	return found
}

func store(api *client, object runtime.Object) error {
	switch each := object.(type) {
	case *v1.VirtualMachine:
		return api.virt.Tracker().Update(v1.GroupVersion.WithResource("virtualmachines"), each, each.Namespace)
	case *v1.VirtualMachineInstance:
		return api.virt.Tracker().Update(v1.GroupVersion.WithResource("virtualmachineinstances"), each, each.Namespace)
	default:
		return errors.New("neither a VirtualMachine nor an instance")
	}
}

// held puts an object where virt-controller looks for it.
func held(s stores, object runtime.Object) error {
	switch each := object.(type) {
	case *corev1.PersistentVolumeClaim:
		return s.claims.GetStore().Add(each)
	case *cdiv1.DataVolume:
		return s.disks.GetStore().Add(each)
	case *corev1.Namespace:
		return s.namespaces.GetStore().Add(each)
	default:
		return nil
	}
}
