"""Import compares the stack file with the running cluster before it changes anything."""

import base64

import pytest
from conftest import changed

from core.machineconfig import running
from core.model import parse
from operations.adopt import __main__ as command
from operations.adopt import compared
from tests.controlplanes import Controlplanes

CREDENTIALS = dict.fromkeys(
    ("caCertificate", "clientCertificate", "clientKey"), base64.b64encode(b"PEM").decode("ascii")
)


@pytest.fixture
def cluster(monkeypatch):
    def stands(platform, **more):
        def client(*credentials):
            assert credentials == (b"PEM", b"PEM", b"PEM")
            return Controlplanes(platform, **more)

        monkeypatch.setattr(compared, "Client", client)

    return stands


def test_an_equal_cluster_is_taken_over(prod, cluster):
    cluster(parse(prod), silent=("cp-2",))
    assert compared.compare(parse(prod), CREDENTIALS) == (
        "endpoint, issuer and networks are those of the running cluster, as cp-1 and cp-3 said"
    )


@pytest.mark.parametrize(
    ("edit", "key", "instead"),
    [
        ({"network.endpoint": "10.20.0.9"}, "endpoint", "write 10.20.0.9:6443"),
        ({"network.endpoint": "k8s.prod.example.com:443"}, "endpoint", "write k8s.prod.example.com:443"),
        ({"network.pods": "10.240.0.0/16"}, "pods", "write 10.240.0.0/16"),
        ({"network.services": "10.97.0.0/16"}, "services", "write 10.97.0.0/16"),
    ],
)
def test_another_setting_than_the_clusters_is_refused(prod, cluster, edit, key, instead):
    cluster(parse(changed(prod, edit)), silent=("cp-1", "cp-2"))
    with pytest.raises(compared.Differs) as found:
        compared.compare(parse(prod), CREDENTIALS)
    [line] = found.value.lines
    assert line.startswith(f"platform.network.{key}: is ") and line.endswith(instead)


def test_an_issuer_of_its_own_is_refused_until_the_stack_file_has_it(prod, cluster):
    issuer = {"cluster": {"apiServer": {"extraArgs": {"service-account-issuer": "https://old.example.com"}}}}
    theirs = parse(changed(prod, {"talos.patches": [issuer]}))
    cluster(theirs)
    with pytest.raises(compared.Differs, match=r"issues tokens as https://old\.example\.com"):
        compared.compare(parse(prod), CREDENTIALS)
    assert "those of the running cluster" in compared.compare(theirs, CREDENTIALS)


def test_a_cluster_that_does_not_answer_is_said_to_be_uncompared(prod, cluster):
    cluster(parse(prod), silent=("cp-1", "cp-2", "cp-3"))
    told = compared.compare(parse(prod), CREDENTIALS)
    assert told.startswith("endpoint and networks were not compared") and "cp-3 at 10.20.0.13: no answer" in told


def test_what_a_machine_writes_is_no_line_of_its_own(prod):
    wanted = running.declared(parse(prod))
    lines = compared.different(wanted, {**wanted, "endpoint": "https://x\n  platform.pods: fine"}, "cp-1")
    assert len(lines) == 1 and lines[0].isprintable()


def test_nothing_is_imported_into_another_clusters_stack(prod, cluster, monkeypatch):
    cluster(parse(changed(prod, {"network.services": "10.97.0.0/16"})))
    with pytest.raises(command.NotImported) as refused:
        command._compared(parse(prod), CREDENTIALS)
    first, *rest = str(refused.value).splitlines()
    assert first == "the stack file does not describe the running cluster; nothing was imported" and len(rest) == 3
    assert all("platform.network.services: is " in line for line in rest)
