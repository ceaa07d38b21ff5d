"""For each rule, changes that it must report."""

from tests.policy.cases import (
    access,
    boot_script,
    cilium,
    flags,
    hygiene,
    kernel,
    kubevirt,
    machines,
    objects,
    pods,
    talos,
    talos_api_server,
    talos_kubelet,
    talos_secrets,
    talos_services,
)
from tests.policy.support import Case

CASES: tuple[Case, ...] = (
    *talos.CASES,
    *talos_api_server.CASES,
    *talos_kubelet.CASES,
    *talos_services.CASES,
    *talos_secrets.CASES,
    *flags.CASES,
    *kernel.CASES,
    *boot_script.CASES,
    *objects.CASES,
    *pods.CASES,
    *access.CASES,
    *cilium.CASES,
    *kubevirt.CASES,
    *machines.CASES,
    *hygiene.CASES,
)
