module bedplate/toolchain/containerd

go 1.26

require github.com/containerd/containerd/v2 v2.1.6 // indirect
