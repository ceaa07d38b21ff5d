"""VMs and workloads: memory and CPU that machines have, namespaces of one's own, ports, commands and Services."""

import pytest
from refusing import accepted, refused

from core.manifests.namespace import allow_ports_policy

PORTAL = {"image": "example.com/a/b:1", "namespace": "portal"}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("vms.erp.memory", "1Mi", "1Mi is less than 32Mi; no operating system starts in it"),
        ("vms.erp.memory", "31Mi", "31Mi is less than 32Mi"),
        ("vms.erp.memory", "65Ti", "65Ti is more than 64Ti; no machine has that much"),
        ("vms.erp.memory", "999999Gi", "999999Gi is more than 64Ti"),
        ("workloads.portal.memory", "999999Ti", "999999Ti is more than 64Ti"),
        ("workloads.portal.memory", "9" * 30 + "Mi", "this amount is more than 64Ti"),
        ("workloads.portal.cpu", "999999", "999999 is more than 4096 CPUs"),
        ("workloads.portal.cpu", "4097", "4097 is more than 4096 CPUs"),
        ("workloads.portal.cpu", "4096001m", "4096001m is more than 4096 CPUs"),
        ("talos.reserved.cpu", "5000", "5000 is more than 4096 CPUs"),
        ("talos.reserved.memory", "65Ti", "65Ti is more than 64Ti"),
        ("talos.reserved.storage", "999999Ti", "999999Ti is more than 4096Ti"),
        ("machines.wk-1.expects.memory", "128Ti", "128Ti is more than 64Ti"),
        ("machines.wk-1.volumes.data", {"disk": {"model": "MZ*"}, "max": "9999Ti"}, "9999Ti is more than 4096Ti"),
    ],
)
def test_an_amount_that_no_machine_has_is_refused(path, value, why):
    line = refused({path: value})
    assert line.startswith(f"platform.{path}") and why in line


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vms.erp.memory", "32Mi"),
        ("vms.erp.memory", "64Ti"),
        ("workloads.portal.memory", "8Mi"),
        ("workloads.portal.cpu", "4096"),
        ("workloads.portal.cpu", "1m"),
        ("talos.reserved.storage", "100Gi"),
        ("machines.wk-1.expects.memory", "24Ti"),
        ("machines.wk-1.volumes.data", {"disk": {"model": "MZ*"}, "min": "1Ti", "max": "200Ti"}),
    ],
)
def test_an_amount_that_machines_have_is_accepted(path, value):
    assert accepted({path: value})


@pytest.mark.parametrize(
    "namespace",
    [
        *("default", "kube-system", "kube-vms", "kube-flannel", "cilium", "cilium-secrets", "cilium-test", "kubevirt"),
        *("kubevirt-x", "cdi", "cdi-uploads", "kubelet-certificates", "etcd-snapshots", "local-path-storage", "multus"),
    ],
)
def test_a_namespace_of_the_cluster_is_refused(namespace):
    for path in ("vms.erp.namespace", "workloads.portal.namespace"):
        assert f"platform.{path}: {namespace!r} belongs to the cluster itself" in refused({path: namespace})


@pytest.mark.parametrize("namespace", ["kube", "kubernetes-apps", "ciliumwatch", "virt", "my-kube-system", "cd"])
def test_a_namespace_of_ones_own_is_accepted(namespace):
    assert accepted({"vms.erp.namespace": namespace})
    assert accepted({"workloads.portal.namespace": namespace})


@pytest.mark.parametrize("command", [[""], [" "], ["\t"], ["", "sh"], ["\n"]])
def test_a_command_that_starts_nothing_is_refused(command):
    line = refused({"workloads.portal.command": command})
    assert line.startswith("platform.workloads.portal.command: its first word is empty; ")


@pytest.mark.parametrize("command", [[], ["sh"], ["printf", ""], ["sh", "-c", "a\n\tb"]])
def test_a_command_that_starts_a_program_is_accepted(command):
    assert accepted({"workloads.portal.command": command})


@pytest.mark.parametrize("name", ["1c", "2048", "3-tier", "9"])
def test_a_service_starts_with_a_letter(name):
    line = refused({f"workloads.{name}": {**PORTAL, "port": 8080}})
    assert line.startswith(f"platform.workloads.{name}: ") and f"e.g. app-{name}" in line
    assert accepted({f"workloads.{name}": PORTAL}), "without a port there is no Service"


@pytest.mark.parametrize("name", ["a1", "portal-2", "x"])
def test_a_service_that_starts_with_a_letter_is_accepted(name):
    assert accepted({f"workloads.{name}": {**PORTAL, "port": 8080}})


@pytest.mark.parametrize(
    "port", [0, 65536, -1, "0/udp", "70000/udp", "053/udp", "53/UDP", "53/sctp", "udp/53", "", "５３", 1.5, True]
)
def test_a_port_of_a_vm_that_does_not_exist_is_refused(port):
    line = refused({"vms.erp.ports": [443, port]})
    assert line.startswith("platform.vms.erp.ports.1: "), line


@pytest.mark.parametrize("ports", [[53, 53], [53, "53/tcp"], ["53/udp", 80, "53/udp"], ["80", 80]])
def test_a_port_of_a_vm_is_listed_once(ports):
    assert "is listed twice" in refused({"vms.erp.ports": ports})


def test_ports_of_tcp_and_udp_reach_the_network_policy():
    vm = accepted({"vms.erp.ports": [443, "53/udp", "53/tcp", 65535, "1/udp"]}).vms["erp"]
    assert vm.ports == (443, "53/udp", 53, 65535, "1/udp")
    policy = allow_ports_policy("erp", vm.namespace, {"bedplate/vm": "erp"}, vm.ports)
    assert policy["spec"]["ingress"] == [
        {
            "ports": [
                {"protocol": "TCP", "port": 53},
                {"protocol": "TCP", "port": 443},
                {"protocol": "TCP", "port": 65535},
                {"protocol": "UDP", "port": 1},
                {"protocol": "UDP", "port": 53},
            ]
        }
    ]
