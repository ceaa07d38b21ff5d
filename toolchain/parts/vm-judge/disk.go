package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	snapshots "github.com/kubernetes-csi/external-snapshotter/client/v6/clientset/versioned/fake"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	"kubevirt.io/containerized-data-importer/pkg/apiserver/webhooks"
	cdifake "kubevirt.io/containerized-data-importer/pkg/client/clientset/versioned/fake"
	"kubevirt.io/containerized-data-importer/pkg/storagecapabilities"
)

// resources are the kinds of CDI that are judged, and a value of each type.
var resources = map[string]struct {
	name string
	make func() any
}{
	"DataVolume":     {"datavolumes", func() any { return &cdiv1.DataVolume{} }},
	"DataImportCron": {"dataimportcrons", func() any { return &cdiv1.DataImportCron{} }},
}

func admitDisk(r request, kind string, a *answer) error {
	resource, ok := resources[kind]
	if !ok {
		return fmt.Errorf("no code for %q is compiled in", kind)
	}

	if err := strict(r.Object, resource.make()); err != nil {
		a.refuse("schema", "", err.Error())

		return nil
	}

	others, err := objects(r.Others)
	if err != nil {
		return err
	}

	review := admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			Operation: admissionv1.Create,
			Resource:  metav1.GroupVersionResource{Group: "cdi.kubevirt.io", Version: "v1beta1", Resource: resource.name},
			Object:    runtime.RawExtension{Raw: r.Object},
		},
	}
	if len(r.Old) > 0 {
		review.Request.Operation, review.Request.OldObject.Raw = admissionv1.Update, r.Old
	}

	handler, err := webhook(kind, others)
	if err != nil {
		return err
	}

	response, err := served(handler, review)
	if err == nil {
		a.response("CDI", response)
	}

	return err
}

// webhook is CDI's own, before an API server in memory.
func webhook(kind string, others []runtime.Object) (http.Handler, error) {
	kube, cdi, snaps := k8sfake.NewSimpleClientset(), cdifake.NewSimpleClientset(), snapshots.NewSimpleClientset()

	for _, other := range others {
		var err error

		switch other.GetObjectKind().GroupVersionKind().Group {
		case "cdi.kubevirt.io":
			err = cdi.Tracker().Add(other)
		case "snapshot.storage.k8s.io":
			err = snaps.Tracker().Add(other)
		default:
			err = kube.Tracker().Add(other)
		}

		if err != nil {
			return nil, err
		}
	}

	if kind == "DataImportCron" {
		return webhooks.NewDataImportCronValidatingWebhook(kube, cdi), nil
	}

	scheme := runtime.NewScheme()
	if err := cdiv1.AddToScheme(scheme); err != nil {
		return nil, err
	}

	config := &cdiv1.CDIConfig{ObjectMeta: metav1.ObjectMeta{Name: "config"}}
	runtime := fake.NewClientBuilder().WithScheme(scheme).WithObjects(config).Build()

	return webhooks.NewDataVolumeValidatingWebhook(kube, cdi, snaps, runtime), nil
}

func served(handler http.Handler, review admissionv1.AdmissionReview) (*admissionv1.AdmissionResponse, error) {
	text, err := json.Marshal(review)
	if err != nil {
		return nil, err
	}

	sent := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(text))
	sent.Header.Set("Content-Type", "application/json")

	seen := httptest.NewRecorder()
	handler.ServeHTTP(seen, sent)

	answered := admissionv1.AdmissionReview{}
	if err := json.Unmarshal(seen.Body.Bytes(), &answered); err != nil || answered.Response == nil {
		return nil, fmt.Errorf("the webhook answered %d", seen.Code)
	}

	return answered.Response, nil
}

func capabilities(r request, a *answer) error {
	class := &storagev1.StorageClass{}
	if err := strict(r.Object, class); err != nil {
		return err
	}

	others, err := objects(r.Others)
	if err != nil {
		return err
	}

	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}

	api := fake.NewClientBuilder().WithScheme(scheme).WithRuntimeObjects(others...).Build()
	found, known := storagecapabilities.GetCapabilities(api, class)
	a.Known = known

	for _, each := range found {
		a.Modes = append(a.Modes, &mode{Access: string(each.AccessMode), Volume: string(each.VolumeMode)})
	}

	if clone, ok := storagecapabilities.GetAdvisedCloneStrategy(class); ok {
		a.Clone = string(clone)
	}

	if format, ok := storagecapabilities.GetAdvisedSourceFormat(class); ok {
		a.Format = string(format)
	}

	if least, ok := storagecapabilities.GetMinimumSupportedPVCSize(class); ok {
		a.Least = least
	}

	return nil
}
