package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// pause holds a pod's namespaces and reaps what is left behind in them.
func pause() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-end:
			return
		case <-children:
			for {
				if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}

// hello answers who and where it is, and can resolve a name, ask another server or connect to an address on request, so
// that a rehearsal sees pods, services, names and policies work from inside the cluster. It listens on each address in
// its arguments.
func hello(args []string) error {
	if port := os.Getenv("PORT"); port != "" && len(args) == 0 {
		args = []string{":" + port}
	}
	if len(args) == 0 {
		args = []string{":8080"}
	}
	client := &http.Client{Timeout: 5 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		host, _ := os.Hostname()
		fmt.Fprintf(w, "hello from %s on %s\n", host, os.Getenv("NODE_NAME"))
	})
	mux.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		found, err := net.DefaultResolver.LookupHost(r.Context(), r.URL.Query().Get("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, found)
	})
	mux.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		answer, err := client.Get(r.URL.Query().Get("url"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, io.LimitReader(answer.Body, 1<<20))
	})
	mux.HandleFunc("/connect", func(w http.ResponseWriter, r *http.Request) {
		connection, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), 3*time.Second)
		var late net.Error
		switch {
		case err == nil:
			_ = connection.Close()
			fmt.Fprintln(w, "open")
		case errors.As(err, &late) && late.Timeout():
			fmt.Fprintln(w, "no answer")
		default:
			fmt.Fprintln(w, err)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-end
		_ = server.Close()
	}()
	ended := make(chan error, len(args))
	for _, address := range args {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		go func() { ended <- server.Serve(listener) }()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
