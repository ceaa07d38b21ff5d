// Package controllers has the one name that Cilium's operator uses of sigs.k8s.io/mcs-api/controllers, which the module
// proxy does not serve.
package controllers

// DerivedServiceAnnotation is the annotation of a ServiceImport that names the Service made for it.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
