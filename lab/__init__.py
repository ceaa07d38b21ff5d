"""The rehearsal: real Talos nodes and real Kubernetes on one computer.

A lab is one set of Linux namespaces (processes, mounts, network) owned by one process, its init.
Everything a lab starts lives in there, so ending the init ends the lab, and the computer's own
network, mounts and settings are never touched.
"""
