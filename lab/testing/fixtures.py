"""Fixtures for tests that need the real thing: a Kubernetes API, or a Talos node, one per test run.

A conftest imports them. On a machine that can't rehearse, tests that use them are skipped with the reason, except with
CI=true: there they fail.
"""

import os
import shutil
from collections.abc import Iterator

import pytest

from lab import preflight, prepare
from lab.layout import Layout
from lab.session import Lab
from lab.spec import Host
from lab.talosapi import Clients
from lab.topology import Machine, Topology
from lab.waiting import wait_for

from .kubeapi import KubernetesAPI

NODE = Machine(name="cp-1", role="controlplane", address="10.5.0.11", mac="52:54:00:10:05:11")


def _refuse(reasons: list[str]) -> None:
    if reasons:
        text = "; ".join(reasons)
        if os.environ.get("CI") == "true":
            pytest.fail(f"this computer can't rehearse: {text}")
        pytest.skip(f"this computer can't rehearse: {text}")


@pytest.fixture(scope="session")
def kubernetes_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesAPI]:
    """etcd and kube-apiserver on the loopback; `.kubeconfig` is a file with cluster-admin access."""
    with KubernetesAPI(tmp_path_factory.mktemp("kubernetes"), prepare.binaries("kubernetes-api")) as api:
        yield api


@pytest.fixture(scope="session")
def lab_host() -> Host:
    """What this computer allows nodes. If that is not enough, the test is skipped."""
    _refuse([finding.text for finding in preflight.examine() if finding.fatal and not finding.ok])
    return preflight.host()


@pytest.fixture(scope="session")
def talos_lab(lab_host: Host) -> Iterator[Lab]:
    """A lab with one node, powered on, in maintenance mode at 10.5.0.11."""
    # The name carries the process: two test runs at once have a lab each.
    layout = Layout.of(prepare.CHECKOUT / ".toolchain", f"pytest-{os.getpid()}")
    topology = Topology(name=layout.name, mark=layout.mark, machines=(NODE,), user_namespace=lab_host.user_namespace)
    with Lab.start(layout, prepare.order(layout, topology, prepare.binaries("lab"), lab_host)) as lab:
        lab.start_node(NODE.name)
        yield lab
    shutil.rmtree(layout.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def talos_node(talos_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """talosctl and kubectl for the node of `talos_lab`, once its maintenance API answers."""
    clients = Clients(talos_lab, prepare.binaries("lab"), tmp_path_factory.mktemp("talos"))
    wait_for("the node's maintenance API", lambda: clients.maintenance(NODE.address), seconds=60)
    return clients
