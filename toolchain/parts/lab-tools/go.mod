module bedplate/toolchain/lab-tools

go 1.26
