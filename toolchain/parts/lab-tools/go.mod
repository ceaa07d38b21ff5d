module bedplate/lab-tools

go 1.26
