"""The namespaces of VMs and workloads."""

from collections.abc import Iterator

from core.facts.namespaces import is_reserved
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check()
def namespaces_are_not_the_clusters(p: Platform) -> Iterator[Fault]:
    """No VM and no workload runs in a namespace of the cluster itself."""
    for section, entries in (("vms", p.vms), ("workloads", p.workloads)):
        for name, entry in entries.items():
            if is_reserved(entry.namespace):
                yield fault(
                    (section, name, "namespace"),
                    f"{entry.namespace!r} belongs to the cluster itself",
                    "its rights would extend to the workload, and no default-deny policy would apply",
                    f"use a separate namespace, e.g. {'vms' if section == 'vms' else 'apps'}",
                )


@check()
def services_have_names_of_dns(p: Platform) -> Iterator[Fault]:
    """A workload with a Service has a name that starts with a letter."""
    for name, workload in p.workloads.items():
        if workload.port is not None and name[0].isdigit():
            yield fault(
                ("workloads", name),
                f"{name!r} starts with a digit, and its port makes a Service of that name",
                "Kubernetes accepts only names of Services that start with a letter",
                f"use another name, e.g. app-{name}, or remove port",
            )


@check()
def vms_and_workloads_are_separate(p: Platform) -> Iterator[Fault]:
    """No namespace contains both VMs and workloads."""
    with_vms = {vm.namespace for vm in p.vms.values()}
    for name, workload in p.workloads.items():
        if workload.namespace in with_vms:
            yield fault(
                ("workloads", name, "namespace"),
                f"{workload.namespace!r} contains VMs",
                "a VM's pod needs more rights than an application may have, and Pod Security is set per namespace",
                "use another namespace, e.g. apps",
            )
