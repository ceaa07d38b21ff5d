module bedplate/toolchain/cni-plugins

go 1.26

require github.com/containernetworking/plugins v1.8.0 // indirect
