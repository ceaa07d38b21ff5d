package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	v1 "kubevirt.io/api/core/v1"

	network "kubevirt.io/kubevirt/pkg/network/admitter"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks/mutating-webhook/mutators"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks/validating-webhook/admitters"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
)

// strict reads an object, and refuses a field that its type does not have: the API server would drop it.
//
// A decoder that refuses unknown fields would miss some, because types of KubeVirt's have decoders of their own.
func strict(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}

	kept, err := json.Marshal(into)
	if err != nil {
		return err
	}

	var before, after any
	if err := errors.Join(json.Unmarshal(text, &before), json.Unmarshal(kept, &after)); err != nil {
		return err
	}

	if at := dropped(before, after); at != "" {
		return fmt.Errorf("unknown field %s", strings.TrimPrefix(at, "."))
	}

	return nil
}

// dropped is the first field of a value that its copy does not have; empty values may be absent.
func dropped(before, after any) string {
	switch value := before.(type) {
	case map[string]any:
		copied, _ := after.(map[string]any)
		for key, each := range value {
			other, ok := copied[key]
			if !ok && !empty(each) {
				return "." + key
			}

			if below := dropped(each, other); ok && below != "" {
				return "." + key + below
			}
		}
	case []any:
		copied, _ := after.([]any)
		for i := 0; i < len(value) && i < len(copied); i++ {
			if below := dropped(value[i], copied[i]); below != "" {
				return fmt.Sprintf("[%d]%s", i, below)
			}
		}
	}

	return ""
}

func empty(value any) bool {
	switch each := value.(type) {
	case map[string]any:
		return len(each) == 0
	case []any:
		return len(each) == 0
	default:
		return value == nil || value == "" || value == false || value == 0.0
	}
}

func (j *judge) admit(r request, a *answer) error {
	var about metav1.TypeMeta
	if err := json.Unmarshal(r.Object, &about); err != nil {
		return err
	}

	if about.Kind != "VirtualMachine" {
		return admitDisk(r, about.Kind, a)
	}

	vm := &v1.VirtualMachine{}
	if err := strict(r.Object, vm); err != nil {
		a.refuse("schema", "", err.Error())

		return nil
	}

	c, err := j.cluster(r.KubeVirt)
	if err != nil {
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

	vm, err = c.admitted(api, vm, nil, a)
	if err != nil || len(a.Causes) > 0 {
		return err
	}

	// Whether it could start, which is judged only once it does.
	always := v1.RunStrategyAlways
	vm.Spec.Running, vm.Spec.RunStrategy = nil, &always

	_, _, err = c.started(api, vm, a)

	return err
}

// admitted is the VirtualMachine as the API server stores it, after its webhooks. Where they refuse it, the answer says
// so. old is what it replaces.
func (c *cluster) admitted(api *client, vm, old *v1.VirtualMachine, a *answer) (*v1.VirtualMachine, error) {
	stored := &v1.VirtualMachine{}

	review, err := reviewed(vm, old, webhooks.VirtualMachineGroupVersionResource)
	if err != nil {
		return nil, err
	}

	changed := mutators.NewVMsMutator(c.config, api).Mutate(review)
	if !changed.Allowed {
		a.response("admission", changed)

		return vm, nil
	}

	if review.Request.Object.Raw, err = patched(review.Request.Object.Raw, changed.Patch); err != nil {
		return nil, err
	}

	informers := &webhooks.Informers{}
	a.response("admission", admitters.NewVMsAdmitter(c.config, api, informers, nil).Admit(context.Background(), review))

	return stored, json.Unmarshal(review.Request.Object.Raw, stored)
}

// instance is the VirtualMachineInstance as the API server stores it.
func (c *cluster) instance(vmi *v1.VirtualMachineInstance, a *answer) (*v1.VirtualMachineInstance, error) {
	stored := &v1.VirtualMachineInstance{}

	review, err := reviewed(vmi, nil, webhooks.VirtualMachineInstanceGroupVersionResource)
	if err != nil {
		return nil, err
	}

	mutator := mutators.VMIsMutator{
		ClusterConfig:     c.config,
		VMIPresetInformer: informer(&v1.VirtualMachineInstancePreset{}, nil),
	}

	changed := mutator.Mutate(review)
	if !changed.Allowed {
		a.response("instance", changed)

		return vmi, nil
	}

	if review.Request.Object.Raw, err = patched(review.Request.Object.Raw, changed.Patch); err != nil {
		return nil, err
	}

	admitter := admitters.VMICreateAdmitter{
		ClusterConfig: c.config,
		SpecValidators: []admitters.SpecValidator{
			// As virt-api does.
			func(at *field.Path, spec *v1.VirtualMachineInstanceSpec, config *virtconfig.ClusterConfig) []metav1.StatusCause {
				return network.Validate(at, spec, config)
			},
		},
	}
	a.response("instance", admitter.Admit(context.Background(), review))

	return stored, json.Unmarshal(review.Request.Object.Raw, stored)
}

// reviewed is the question that the API server sends to a webhook. old is nil where the object is created.
func reviewed[T any](object, old *T, resource metav1.GroupVersionResource) (*admissionv1.AdmissionReview, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}

	asked := &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create,
		Resource:  resource,
		Object:    runtime.RawExtension{Raw: text},
	}

	if old != nil {
		asked.Operation = admissionv1.Update
		if asked.OldObject.Raw, err = json.Marshal(old); err != nil {
			return nil, err
		}
	}

	return &admissionv1.AdmissionReview{Request: asked}, nil
}

func patched(text, patch []byte) ([]byte, error) {
	if len(patch) == 0 {
		return text, nil
	}

	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, fmt.Errorf("the webhook's patch: %w", err)
	}

	return decoded.Apply(text)
}

func (a *answer) refuse(by, field, message string) {
	// KubeVirt names some twice.
	if each := (cause{By: by, Field: field, Message: message}); !slices.Contains(a.Causes, each) {
		a.Causes = append(a.Causes, each)
	}
}

// response takes what a webhook answered.
func (a *answer) response(by string, r *admissionv1.AdmissionResponse) {
	a.Warnings = append(a.Warnings, r.Warnings...)

	switch {
	case r.Allowed:
	case r.Result == nil:
		a.refuse(by, "", "refused")
	case r.Result.Details != nil && len(r.Result.Details.Causes) > 0:
		for _, c := range r.Result.Details.Causes {
			a.refuse(by, c.Field, c.Message)
		}
	default:
		a.refuse(by, "", r.Result.Message)
	}
}
