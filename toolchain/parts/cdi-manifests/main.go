// Prints the manifest that installs CDI's operator, as the release of the pinned module has it: its CRD, RBAC and
// Deployment. Keys are sorted, so equal modules print equal bytes.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"

	"kubevirt.io/containerized-data-importer/pkg/operator/resources/namespaced"
	"kubevirt.io/containerized-data-importer/pkg/operator/resources/operator"
	"kubevirt.io/containerized-data-importer/tools/util"
)

const (
	module    = "kubevirt.io/containerized-data-importer"
	namespace = "cdi"
	registry  = "quay.io/kubevirt/"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	version, err := compiledIn()
	if err != nil {
		return err
	}
	at := func(name string) string { return registry + name + ":" + version }
	// CreateAllOperatorResources would print each object twice, in random order.
	objects, err := operator.CreateOperatorResourceGroup("everything", &operator.FactoryArgs{
		Image: at("cdi-operator"),
		NamespacedArgs: namespaced.FactoryArgs{
			Verbosity: "1", OperatorVersion: version, DeployClusterResources: "true", PullPolicy: "IfNotPresent", Namespace: namespace,
			ControllerImage: at("cdi-controller"), ImporterImage: at("cdi-importer"), ClonerImage: at("cdi-cloner"),
			OvirtPopulatorImage: at("cdi-importer"), APIServerImage: at("cdi-apiserver"),
			UploadProxyImage: at("cdi-uploadproxy"), UploadServerImage: at("cdi-uploadserver"),
		},
	})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "# CDI's operator %s, generated from the Go module %s.\n", version, module)
	fmt.Fprintf(out, "# Do not edit: ./bedplate setup --write-manifests writes it.\n")
	for _, object := range objects {
		if err := util.MarshallObject(object, out); err != nil {
			return err
		}
	}
	return out.Flush()
}

func compiledIn() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", fmt.Errorf("this binary has no build information")
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return dependency.Version, nil
		}
	}
	return "", fmt.Errorf("this binary does not hold %s", module)
}
