module bedplate/toolchain/matchbox

go 1.26

require github.com/poseidon/matchbox v0.11.0 // indirect
