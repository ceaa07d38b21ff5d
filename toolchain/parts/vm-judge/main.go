// vm-judge judges virtual machines and their disks by the thousand, with KubeVirt's and CDI's own code.
//
// It reads a request per line of standard input and answers each with a line, in order:
//
//	{"ask": "admit", "kubevirt": {…}, "object": {…}, "others": [{…}]}
//	{"error": "", "causes": [{"by": "…", "field": "…", "message": "…"}], "warnings": []}
//
// "admit": what the API server's webhooks say of a VirtualMachine of KubeVirt, and of the instance that KubeVirt makes
// of it, or of a DataVolume or DataImportCron of CDI. "kubevirt" is the cluster's KubeVirt object, "others" are the
// objects that exist before. "by" names what refused: schema, admission, instance or CDI.
//
// "change": what KubeVirt does with a running VirtualMachine "old" that becomes "new", whose instance can be moved to
// another node or not ("migratable"). The answer's "restart" is KubeVirt's reason why only a restart applies the
// change, "live" are the fields of the running instance that it changes, "moves" is whether it moves the instance for
// it, "taken" whether that only takes a link from the pod that the guest has lost already, "stops" whether it ends the
// instance. Its "causes" are those with which the update is refused.
//
// "capabilities": how CDI can use a StorageClass ("object"), with the PersistentVolumes of "others". "drivers": what CDI
// looks classes up by, and in whose classes it makes no disks ("unsupported").
//
// "definitions": the CustomResourceDefinitions of both projects' releases, each as a text.
//
// An "error" is no verdict: the question could not be judged.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	snapshots "github.com/kubernetes-csi/external-snapshotter/client/v6/apis/volumesnapshot/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	runtimelog "sigs.k8s.io/controller-runtime/pkg/log"

	"kubevirt.io/client-go/log"
	"kubevirt.io/containerized-data-importer/pkg/storagecapabilities"
)

type request struct {
	Ask        string            `json:"ask"`
	KubeVirt   json.RawMessage   `json:"kubevirt"`
	Object     json.RawMessage   `json:"object"`
	Old        json.RawMessage   `json:"old"`
	New        json.RawMessage   `json:"new"`
	Migratable bool              `json:"migratable"`
	Others     []json.RawMessage `json:"others"`
}

type cause struct {
	By      string `json:"by"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

type answer struct {
	Error    string   `json:"error"`
	Causes   []cause  `json:"causes"`
	Warnings []string `json:"warnings"`

	Restart string   `json:"restart"`
	Live    []string `json:"live"`
	Moves   bool     `json:"moves"`
	Stops   bool     `json:"stops"`
	Taken   bool     `json:"taken"`

	Known  bool    `json:"known"`
	Modes  []*mode `json:"modes"`
	Clone  string  `json:"clone"`
	Format string  `json:"format"`
	Least  string  `json:"least"`

	Drivers     []string `json:"drivers"`
	Unsupported []string `json:"unsupported"`
	Definitions []string `json:"definitions"`
}

type mode struct {
	Access string `json:"access"`
	Volume string `json:"volume"`
}

type judge struct {
	clusters map[string]*cluster
}

func (j *judge) answered(line []byte) (a answer) {
	// A panic is a question that these programs never get, such as an object without a template.
	defer func() {
		if fault := recover(); fault != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", fault)}
		}
	}()

	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return answer{Error: err.Error()}
	}

	var err error

	switch r.Ask {
	case "admit":
		err = j.admit(r, &a)
	case "change":
		err = j.change(r, &a)
	case "capabilities":
		err = capabilities(r, &a)
	case "drivers":
		a.Drivers = slices.Sorted(maps.Keys(storagecapabilities.CapabilitiesByProvisionerKey))
		a.Unsupported = slices.Sorted(maps.Keys(storagecapabilities.UnsupportedProvisioners))
	case "definitions":
		a.Definitions, err = definitions()
	default:
		err = fmt.Errorf("unknown question %q", r.Ask)
	}

	if err != nil {
		return answer{Error: err.Error()}
	}

	return a
}

func main() {
	// All log each object that they refuse.
	log.Log.SetIOWriter(nowhere{})
	klog.LogToStderr(false)
	klog.SetOutput(nowhere{})
	runtimelog.SetLogger(klog.NewKlogr())

	// KubeVirt's and CDI's own kinds are registered by their clients.
	if err := snapshots.AddToScheme(scheme.Scheme); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	j := judge{clusters: map[string]*cluster{}}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<28)

	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)

	for in.Scan() {
		if err := encoder.Encode(j.answered(in.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}

		if err := out.Flush(); err != nil {
			os.Exit(1)
		}
	}
}

type nowhere struct{}

func (nowhere) Write(text []byte) (int, error) { return len(text), nil }
