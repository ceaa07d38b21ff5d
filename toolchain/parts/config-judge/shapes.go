package main

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
)

// shape is one type of Talos' configs as far as reading and merging it goes.
type shape struct {
	// Type is the name of the Go type, a pointer's without the star; Kind is what it is made of.
	Type string `json:"type"`
	Kind string `json:"kind"`
	// Pointer: absent is told apart from zero. Replace: the field has the tag merge:"replace".
	Pointer bool `json:"pointer,omitempty"`
	Replace bool `json:"replace,omitempty"`
	// Own: it has a Merge method. Atom: it is read from one text, or by code of its own.
	Own  bool `json:"own,omitempty"`
	Atom bool `json:"atom,omitempty"`
	// Zero is what its zero value is called, where that is a word.
	Zero   string            `json:"zero,omitempty"`
	Fields map[string]*shape `json:"fields,omitempty"`
	Elem   *shape            `json:"elem,omitempty"`
}

var (
	merges = reflect.TypeFor[interface{ Merge(other any) error }]()
	texts  = reflect.TypeFor[encoding.TextUnmarshaler]()
	yamls  = reflect.TypeFor[interface{ UnmarshalYAML(func(any) error) error }]()
)

// shapeOf follows a type down to its scalars. What an atom holds is nobody's business.
func shapeOf(t reflect.Type, replace bool) *shape {
	s := &shape{Replace: replace}

	if t.Kind() == reflect.Pointer {
		s.Pointer, t = true, t.Elem()
	}

	s.Type, s.Kind, s.Zero = t.String(), t.Kind().String(), zero(t)

	made := reflect.PointerTo(t)
	s.Own, s.Atom = made.Implements(merges), made.Implements(texts) || made.Implements(yamls)

	switch {
	case s.Atom:
	case t.Kind() == reflect.Struct:
		s.Fields = map[string]*shape{}
		s.fields(t)
	case t.Kind() == reflect.Map, t.Kind() == reflect.Slice:
		s.Elem = shapeOf(t.Elem(), false)
	}

	return s
}

func (s *shape) fields(t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		replace := field.Tag.Get("merge") == "replace"

		switch tag := strings.Split(field.Tag.Get("yaml"), ","); {
		case tag[0] == "-":
		case !slices.Contains(tag, "inline"):
			s.Fields[tag[0]] = shapeOf(field.Type, replace)
		case field.Type.Kind() == reflect.Map:
			s.Elem = shapeOf(field.Type.Elem(), false)
		default:
			s.fields(field.Type)
		}
	}
}

func zero(t reflect.Type) (word string) {
	// Some can't be written before they were read.
	defer func() { _ = recover() }()

	switch made := reflect.New(t).Interface().(type) {
	case encoding.TextMarshaler:
		text, _ := made.MarshalText() //nolint:errcheck

		return string(text)
	case fmt.Stringer:
		return made.String()
	}

	return ""
}

// shapes are those of the kinds of documents that this release knows. The kind of machine: and cluster: is "".
func shapes(kinds []string) map[string]*shape {
	known := map[string]*shape{}

	for _, kind := range kinds {
		text := "apiVersion: v1alpha1\nkind: " + kind + "\n"

		switch kind {
		case "":
			text = "version: v1alpha1\nmachine: {}\n"
		case "VethConfig":
			// Its two ends may not have one name.
			text += "name: one\npeer:\n  name: other\n"
		}

		if read, err := configloader.NewFromBytes([]byte(text)); err == nil {
			known[kind] = shapeOf(reflect.TypeOf(read.Documents()[0]), false)
		}
	}

	return known
}
