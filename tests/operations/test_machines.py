"""`drift`: what machines run, queried from a real gRPC server with mTLS that speaks Talos' messages."""

import base64
import json
from concurrent import futures
from datetime import UTC, datetime, timedelta

import grpc
import pytest
import yaml

from clients import talos
from core.credentials.kubeconfig import Kubeconfig
from core.machineconfig.differences import Difference
from operations.drift.__main__ import table
from operations.drift.machines import Declared, Inspection, NoMachines, certificates, declared, expiring, inspect
from operations.drift.nodes import Nodes
from tests.provider.certificates import Pki, pem

SCHEMATIC = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"
CONFIG = yaml.safe_dump_all(
    [
        {
            "version": "v1alpha1",
            "machine": {
                "install": {"image": f"factory.talos.dev/metal-installer/{SCHEMATIC}:v1.14.2"},
                "kubelet": {"image": "ghcr.io/siderolabs/kubelet:v1.35.4"},
                "nodeLabels": {"a": "x"},
                "token": "hunter2",
            },
        },
        {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "hostname": "cp-1", "auto": "off"},
    ]
)

# The same machine, with contract v1.14.
DOCUMENTS = yaml.safe_dump_all(
    [
        {"version": "v1alpha1", "machine": {"token": "hunter2"}},
        {
            "apiVersion": "v1alpha1",
            "kind": "UnattendedInstallConfig",
            "installer": {"image": f"factory.talos.dev/metal-installer/{SCHEMATIC}:v1.14.2"},
        },
        {"apiVersion": "v1alpha1", "kind": "KubeletConfig", "image": "ghcr.io/siderolabs/kubelet:v1.35.4"},
    ]
)


def secret(value):
    """A secret value as an export with `--show-secrets` contains it."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


class Machine:
    """A machine that runs a config, an OS and a kubelet."""

    def __init__(
        self, config=CONFIG, version="v1.14.2", schematic=SCHEMATIC, kubelet="ghcr.io/siderolabs/kubelet:v1.35.4"
    ):
        self.pki = Pki()
        self.resources = {
            "MachineConfigs.config.talos.dev": {"v1alpha1": config, "persistent": config},
            "ExtensionStatuses.runtime.talos.dev": {
                "0": {"metadata": {"name": "intel-ucode", "version": "1"}},
                "1": {"metadata": {"name": "schematic", "version": schematic}},
            },
            "KubeletSpecs.kubernetes.talos.dev": {"kubelet": {"image": kubelet}},
        }
        self.version = version
        certificate, key = self.pki.pair("server")
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        messages = talos.MESSAGES
        serve = grpc.method_handlers_generic_handler
        self.server.add_generic_rpc_handlers(
            (
                serve(
                    "cosi.resource.State",
                    {
                        "List": grpc.unary_stream_rpc_method_handler(
                            self.list, messages["ListRequest"].FromString, messages["ListResponse"].SerializeToString
                        )
                    },
                ),
                serve(
                    "machine.MachineService",
                    {
                        "Version": grpc.unary_unary_rpc_method_handler(
                            self.tell, messages["Empty"].FromString, messages["VersionResponse"].SerializeToString
                        )
                    },
                ),
            )
        )
        credentials = grpc.ssl_server_credentials(
            [(key.encode(), certificate.encode())], pem(self.pki.ca).encode(), True
        )
        self.address = f"localhost:{self.server.add_secure_port('127.0.0.1:0', credentials)}"
        self.server.start()

    def list(self, request, context):
        for name, spec in self.resources[request.type].items():
            answer = talos.MESSAGES["ListResponse"]()
            answer.resource.metadata.id, answer.resource.spec.yaml_spec = name, yaml.safe_dump(spec)
            yield answer

    def tell(self, request, context):
        answer = talos.MESSAGES["VersionResponse"]()
        answer.messages.add().version.tag = self.version
        return answer

    def client(self):
        certificate, key = self.pki.pair("admin")
        return talos.Client(pem(self.pki.ca).encode(), certificate.encode(), key.encode())


@pytest.fixture
def machine():
    machines = []

    def start(**how):
        machines.append(Machine(**how))
        return machines[-1]

    yield start
    for one in machines:
        one.server.stop(0)


def looked(at):
    return inspect(Declared("cp-1", at.address, CONFIG), at.client(), Nodes({}, None))


def test_a_machine_that_runs_what_was_declared_has_not_drifted(machine):
    inspection = looked(machine())
    assert not inspection.drifted and inspection.differences == []


ASKS = "\n---\n".join(
    (
        CONFIG.rstrip("\n"),
        json.dumps({"apiVersion": "v1alpha1", "kind": "DHCPv4Config", "name": "mgmt0", "routeMetric": 2048}),
    )
)


@pytest.mark.parametrize(
    ("addresses", "differences"),
    [
        ({"eth7/10.9.0.21/24": {"address": "10.9.0.21/24", "linkName": "eth7"}}, []),
        ({}, ["DHCPv4Config mgmt0: address: an answer of a DHCP server -> none"]),
        (
            {
                "eth7/fe80::1/64": {"address": "fe80::1/64", "linkName": "eth7"},
                "eth0/10.0.0.9/24": {"address": "10.0.0.9/24", "linkName": "eth0"},
            },
            ["DHCPv4Config mgmt0: address: an answer of a DHCP server -> none"],
        ),
    ],
)
def test_a_link_that_no_dhcp_server_answers_is_reported(machine, addresses, differences):
    """Talos starts without it and says nothing."""
    asks = machine(config=ASKS)
    asks.resources["LinkStatuses.net.talos.dev"] = {"eth0": {"alias": "lan0"}, "eth7": {"alias": "mgmt0"}}
    asks.resources["AddressStatuses.net.talos.dev"] = addresses
    inspection = inspect(Declared("cp-1", asks.address, ASKS), asks.client(), Nodes({}, None))
    assert [str(each) for each in inspection.differences] == differences


@pytest.mark.parametrize(
    ("how", "differences"),
    [
        ({"config": CONFIG.replace("a: x", "a: y")}, ["machine.nodeLabels.a: x -> y"]),
        ({"config": CONFIG.replace("hunter2", "hunter3")}, ["machine.token: (secret) differs (reboots)"]),
        ({"config": CONFIG.replace("hostname: cp-1", "hostname: cp-9")}, ["HostnameConfig: hostname: cp-1 -> cp-9"]),
        ({"version": "v1.13.0"}, ["Talos: version: v1.14.2 -> v1.13.0 (reboots)"]),
        ({"schematic": "0" * 64}, [f"Talos: schematic: {SCHEMATIC} -> {'0' * 64} (reboots)"]),
        (
            {"kubelet": "ghcr.io/siderolabs/kubelet:v1.34.0"},
            ["kubelet: image: ghcr.io/siderolabs/kubelet:v1.35.4 -> ghcr.io/siderolabs/kubelet:v1.34.0"],
        ),
    ],
)
def test_each_difference_is_reported_without_a_secret(machine, how, differences):
    inspection = looked(machine(**how))
    assert [str(each) for each in inspection.differences] == differences
    assert "hunter" not in table([inspection]) + json.dumps([d.__dict__ for d in inspection.differences])


@pytest.mark.parametrize(
    ("how", "differences"),
    [
        ({}, []),
        ({"version": "v1.13.0"}, ["Talos: version: v1.14.2 -> v1.13.0 (reboots)"]),
        ({"schematic": "0" * 64}, [f"Talos: schematic: {SCHEMATIC} -> {'0' * 64} (reboots)"]),
        (
            {"kubelet": "ghcr.io/siderolabs/kubelet:v1.34.0"},
            ["kubelet: image: ghcr.io/siderolabs/kubelet:v1.35.4 -> ghcr.io/siderolabs/kubelet:v1.34.0"],
        ),
    ],
)
def test_images_are_compared_where_documents_name_them(machine, how, differences):
    """Contract v1.14 has no machine.install.image and no machine.kubelet.image."""
    at = machine(config=DOCUMENTS, **how)
    inspection = inspect(Declared("cp-1", at.address, DOCUMENTS), at.client(), Nodes({}, None))
    assert [str(each) for each in inspection.differences] == differences


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"factory.talos.dev/metal-installer/{SCHEMATIC}:v1.14.2@sha256:{'1' * 64}", []),
        ("ghcr.io/siderolabs/installer:v1.14.1", ["Talos: version: v1.14.1 -> v1.14.2 (reboots)"]),
        ("ghcr.io/siderolabs/installer:latest", []),
    ],
)
def test_an_installer_image_is_compared_by_its_version_and_its_schematic(machine, image, expected):
    config = CONFIG.replace(f"factory.talos.dev/metal-installer/{SCHEMATIC}:v1.14.2", image)
    at = machine(config=config)
    inspection = inspect(Declared("cp-1", at.address, config), at.client(), Nodes({}, None))
    assert [str(difference) for difference in inspection.differences] == expected


def test_a_machine_that_does_not_answer_counts_as_drifted(machine):
    at = machine()
    client = at.client()
    at.server.stop(0).wait()
    inspection = inspect(Declared("cp-1", at.address, CONFIG), client, Nodes({}, None))
    assert inspection.drifted and inspection.unread and "could not be read" in table([inspection])


def test_machines_and_their_client_certificate_are_read_from_the_state():
    encoded = {
        name: base64.b64encode(name.encode()).decode() for name in ("caCertificate", "clientCertificate", "clientKey")
    }
    machines, client = declared(
        [
            {
                "type": "talos:machine/secrets:Secrets",
                "urn": "u::talos-secrets",
                "outputs": {"clientConfiguration": secret(encoded)},
            },
            {
                "type": "bedplate-native:talos:MachineConfig",
                "urn": "u::talos-cp-1",
                "outputs": {"node": "10.0.0.1", "machineConfiguration": secret("a: 1")},
            },
        ]
    )
    assert machines == [Declared("cp-1", "10.0.0.1", "a: 1")] and client.key == b"clientKey"
    assert "a: 1" not in repr(machines)
    with pytest.raises(NoMachines, match="no machine has its config yet"):
        declared([])


def test_a_certificate_that_expires_soon_is_reported():
    """The kubeconfig and the talosconfig expire on different days if they were issued on different days."""
    at = Pki()
    given = {name: at.pair("admin")[0].encode() for name in ("talosconfig", "kubeconfig")}
    now = datetime.now(UTC)
    assert expiring(given, now - timedelta(days=29)) == []
    assert expiring({"kubeconfig": given["kubeconfig"]}, now - timedelta(days=20)) == [
        "the kubeconfig's certificate expires in 20 days; renew it: ./bedplate up STACK; then ./bedplate access STACK"
    ]
    assert [line.partition(";")[0] for line in expiring(given, now + timedelta(days=2))] == [
        "the kubeconfig's certificate has expired",
        "the talosconfig's certificate has expired",
    ]


def test_both_certificates_are_read_from_the_state():
    client = {"clientCertificate": base64.b64encode(b"PEM").decode(), "clientKey": secret("hunter2")}
    pki = Pki()
    certificate, key = pki.pair("admin")
    text = Kubeconfig("dev", "https://10.0.0.1:6443", pem(pki.ca), certificate, key).text()
    made = {
        "type": "talos:machine/secrets:Secrets",
        "urn": "u::s",
        "outputs": {"clientConfiguration": secret(client)},
    }
    kind, former = "bedplate-native:kubernetes:Kubeconfig", "talos:cluster/kubeconfig:Kubeconfig"
    expected = {"talosconfig": b"PEM", "kubeconfig": certificate.encode()}
    for token, output in ((kind, "kubeconfig"), (former, "kubeconfigRaw")):
        written = {"type": token, "urn": "u::k", "outputs": {output: secret(text)}}
        assert certificates([made, written]) == expected
    # After an `up` that was killed or excluded the kubeconfig, the state has only one of them.
    assert certificates([{"type": kind, "urn": "u::k"}]) == {}
    # A kubeconfig that would run a command is ignored: the next `up` writes another one.
    exec_ = text.replace("    client-key-data", "    exec: {command: id}\n    client-key-data")
    assert exec_ != text
    assert certificates([{"type": former, "urn": "u::k", "outputs": {"kubeconfigRaw": secret(exec_)}}]) == {}


def test_the_table_is_readable():
    inspections = [Inspection("cp-1", "10.0.0.1"), Inspection("wk-10", "10.0.0.2", unread="no answer within 5 s")]
    assert (
        table(inspections)
        == "cp-1   10.0.0.1         as declared\nwk-10  10.0.0.2         could not be read: no answer within 5 s"
    )


def test_machines_with_the_same_finding_are_one_line():
    def drifted(value):
        return [Difference("", "machine.sysctls.a", "1", value, reboots=False)]

    machines = [Inspection(f"wk-{number}", f"10.0.0.{number}", differences=drifted("2")) for number in range(1, 40)]
    machines += [Inspection("wk-40", "10.0.0.40", differences=drifted("3")), Inspection("cp-1", "10.0.1.1")]
    machines += [Inspection(name, "10.0.1.2", unread="no answer within 5 s") for name in ("cp-2", "cp-3")]
    assert table(machines).splitlines()[:-1] == [
        "wk-1 to wk-39  39 machines      1 difference",
        "                 machine.sysctls.a: 1 -> 2",
        "wk-40          10.0.0.40        1 difference",
        "                 machine.sysctls.a: 1 -> 3",
        "cp-1           10.0.1.1         as declared",
        "cp-2, cp-3     2 machines       could not be read: no answer within 5 s",
    ]


def test_three_machines_that_drifted_alike_are_one_line_and_json_names_each(machine):
    """Against the API of machines: what one of them was read from says nothing of the others."""
    config = yaml.safe_dump({"version": "v1alpha1", "machine": {"nodeLabels": {"a": "b"}}})
    found = [looked(machine(config=config)) for _ in range(3)]
    for number, each in enumerate(found, 1):
        each.machine = f"cp-{number}"
    shown = table(found).splitlines()
    assert shown[0].startswith("cp-1 to cp-3  3 machines") and len(shown) == len(found[0].differences) + 2
    found[1].differences = found[1].differences[1:]
    assert [line.split("  ")[0] for line in table(found).splitlines() if line[0] == "c"] == ["cp-1, cp-3", "cp-2"]


def test_what_a_machine_runs_writes_nothing_to_a_terminal(machine):
    """An attack: labels, versions and images that clear a screen, set its title and begin a line of their own."""
    evil = "\x1b[2J\x1b]0;pwned\x07\n+ fake line\u2028\u202e"
    shown = r"\x1b[2J\x1b]0;pwned\x07 + fake line \u202e"
    config = yaml.safe_dump({"version": "v1alpha1", "machine": {"nodeLabels": {"a": evil, evil: "x"}}})

    inspection = looked(machine(config=config, version=evil, kubelet=evil))

    text = table([inspection])
    assert len(inspection.differences) > 3 and len(text.splitlines()) == len(inspection.differences) + 2
    assert all(line.isprintable() for line in text.split("\n"))
    assert f"Talos: version: v1.14.2 -> {shown} (reboots)" in text
    assert f"machine.nodeLabels.a: x -> {shown}" in text
    assert f"machine.nodeLabels.{shown}: (none) -> x" in text
