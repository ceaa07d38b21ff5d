// config-judge merges and validates machine configs by the thousand, with the code that talosctl and Talos use.
//
// It reads a request per line of standard input and answers each with a line, in order:
//
//	{"contract": "v1.12", "role": "worker", "cluster": "dev", "endpoint": "https://…", "kubernetes": "v1.35.4",
//	 "patches": ["{…}"], "mode": "metal", "show": false}
//	{"error": "", "warnings": [], "config": "…"}
//
// With "base" the patches go over that text and not over what the generator writes, and nothing is validated. With
// "other", the documents of a merge that was made elsewhere, the answer's "other" is how Talos reads and writes them:
// the two merges are the same if it equals "config". With "kinds" the answer's "shapes" are the types of those documents.
// With "config", a whole config without its PKI, that config alone is validated, with a PKI of this process's own.
//
// For each it does what the Talos plugin and then `talosctl machineconfig patch` and `talosctl validate` do:
// generate.NewInput().Config(), configpatcher.LoadPatches() and Apply(), configloader.NewFromBytes() and
// Validate(WithLocal). A warning is what `--strict` would refuse.
// The PKI is made once per contract, or read from the file that the first argument names.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/encoder"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"
	"github.com/siderolabs/talos/pkg/machinery/config/validation"
)

type request struct {
	Contract   string   `json:"contract"`
	Role       string   `json:"role"`
	Cluster    string   `json:"cluster"`
	Endpoint   string   `json:"endpoint"`
	Kubernetes string   `json:"kubernetes"`
	Patches    []string `json:"patches"`
	Mode       string   `json:"mode"`
	Show       bool     `json:"show"`
	Base       string   `json:"base"`
	Other      string   `json:"other"`
	Kinds      []string `json:"kinds"`
	Config     string   `json:"config"`
}

type answer struct {
	Error    string   `json:"error"`
	Warnings []string `json:"warnings"`
	Config   string   `json:"config,omitempty"`
	Other    string   `json:"other,omitempty"`

	Shapes map[string]*shape `json:"shapes,omitempty"`
}

// mode is one of Talos' runtime modes, whose own type is internal to it.
type mode string

func (m mode) String() string        { return string(m) }
func (m mode) RequiresInstall() bool { return m == "metal" }
func (m mode) InContainer() bool     { return m == "container" }

type judge struct {
	pki   map[string]*secrets.Bundle
	bases map[string][]byte
	file  string
	// stands are the PKIs of the configs that come without one.
	stands map[string]configpatcher.StrategicMergePatch
}

func (j *judge) bundle(name string) (*secrets.Bundle, error) {
	if j.file != "" {
		name = j.file
	}

	if made, ok := j.pki[name]; ok {
		return made, nil
	}

	var (
		made *secrets.Bundle
		err  error
	)

	if j.file != "" {
		made, err = secrets.LoadBundle(j.file)
	} else {
		// Contracts after v1.6 sign tokens with an RSA key, which takes most of a second to make. No rule looks at it.
		made, err = secrets.NewBundle(secrets.NewFixedClock(time.Now()), config.TalosVersion1_6)
	}

	j.pki[name] = made

	return made, err
}

// base is what the generator writes for a role: as the plugin asks it, with the plugin's own defaults.
func (j *judge) base(r request) ([]byte, error) {
	key := strings.Join([]string{r.Contract, r.Role, r.Cluster, r.Endpoint, r.Kubernetes}, " ")
	if made, ok := j.bases[key]; ok {
		return made, nil
	}

	contract, err := config.ParseContractFromVersion(r.Contract)
	if err != nil {
		return nil, err
	}

	pki, err := j.bundle(r.Contract)
	if err != nil {
		return nil, err
	}

	role, err := machine.ParseType(r.Role)
	if err != nil {
		return nil, err
	}

	input, err := generate.NewInput(r.Cluster, r.Endpoint, strings.TrimPrefix(r.Kubernetes, "v"),
		generate.WithClusterDiscovery(true),
		generate.WithInstallDisk("/dev/sda"),
		generate.WithSecretsBundle(pki),
		generate.WithVersionContract(contract),
	)
	if err != nil {
		return nil, err
	}

	made, err := input.Config(role)
	if err != nil {
		return nil, err
	}

	// By way of its bytes, as it reaches `machineconfig patch`.
	text, err := made.Bytes()
	j.bases[key] = text

	return text, err
}

// merged lays patches over a text, and writes what comes of it as it writes another merge of the same.
func merged(r request) (a answer, err error) {
	// A panic is how some releases refuse a patch.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()

	patches, err := configpatcher.LoadPatches(r.Patches)
	if err != nil {
		return a, fmt.Errorf("read patches: %w", err)
	}

	out, err := configpatcher.Apply(configpatcher.WithBytes([]byte(r.Base)), patches)
	if err != nil {
		return a, fmt.Errorf("merge: %w", err)
	}

	provider, err := out.Config()
	if err != nil {
		return a, fmt.Errorf("merge: %w", err)
	}

	if a.Config, err = written(provider); err != nil {
		return a, err
	}

	other, err := configloader.NewFromBytes([]byte(r.Other))
	if err != nil {
		return a, fmt.Errorf("read the other: %w", err)
	}

	a.Other, err = written(other)

	return a, err
}

func written(provider config.Provider) (string, error) {
	text, err := provider.EncodeBytes(encoder.WithComments(encoder.CommentsDisabled))

	return string(text), err
}

func (j *judge) judged(r request) (a answer, err error) {
	switch {
	case r.Kinds != nil:
		a.Shapes = shapes(r.Kinds)

		return a, nil
	case r.Base != "":
		return merged(r)
	case r.Config != "":
		return j.whole(r)
	}

	base, err := j.base(r)
	if err != nil {
		return a, fmt.Errorf("generate: %w", err)
	}

	patches, err := configpatcher.LoadPatches(r.Patches)
	if err != nil {
		return a, fmt.Errorf("read patches: %w", err)
	}

	merged, err := configpatcher.Apply(configpatcher.WithBytes(base), patches)
	if err != nil {
		return a, fmt.Errorf("merge: %w", err)
	}

	text, err := merged.Bytes()
	if err != nil {
		return a, fmt.Errorf("write: %w", err)
	}

	if r.Show {
		a.Config = string(text)
	}

	loaded, err := configloader.NewFromBytes(text)
	if err != nil {
		return a, fmt.Errorf("read: %w", err)
	}

	a.Warnings, err = loaded.Validate(mode(r.Mode), validation.WithLocal())
	if err != nil {
		return a, fmt.Errorf("validate: %w", err)
	}

	return a, nil
}

func main() {
	j := judge{
		pki:    map[string]*secrets.Bundle{},
		bases:  map[string][]byte{},
		stands: map[string]configpatcher.StrategicMergePatch{},
	}
	if len(os.Args) > 1 {
		j.file = os.Args[1]
	}

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)

	out := bufio.NewWriter(os.Stdout)

	for answers := json.NewEncoder(out); lines.Scan(); {
		var (
			r request
			a answer
		)

		err := json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			a, err = j.judged(r)
		}

		if err != nil {
			a.Error = err.Error()
		}

		// Whoever asks waits for the answer before the next question.
		if err = errors.Join(answers.Encode(a), out.Flush()); err != nil {
			panic(err)
		}
	}

	if err := lines.Err(); err != nil {
		panic(err)
	}
}
