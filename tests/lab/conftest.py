"""The rehearsal's own fixtures."""

from lab.testing.fixtures import kubernetes_api, lab_host, talos_lab, talos_node

__all__ = ["kubernetes_api", "lab_host", "talos_lab", "talos_node"]
