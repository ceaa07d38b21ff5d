"""The network of a rehearsal: when it is Cilium, what of its chart the lab reads otherwise, and its images."""

import io
import tarfile

import pytest
import yaml

from lab import cilium, cilium_images, delegation, pod_network, prepare
from lab.pod_network import PodNetwork
from lab.spec import Host
from toolchain.layout import Layout
from toolchain.lock import load

HOST = Host(open_files=1024, devices=())
VERSION = prepare.versions().cilium


@pytest.fixture
def able(monkeypatch):
    """A computer on which Cilium is built and can run."""
    monkeypatch.setattr(pod_network, "absent", lambda names: [])
    monkeypatch.setattr(delegation, "refused", lambda: "")
    monkeypatch.setattr(pod_network, "_wireguard", lambda: "")


def test_cilium_runs_where_it_is_built_and_the_computer_lends_bpf(able):
    assert pod_network.choose(HOST) == PodNetwork(True)


@pytest.mark.parametrize(
    ("host", "options", "refusal", "why"),
    [
        (HOST, {"wanted": False}, "", "--without-cilium leaves it out"),
        (HOST, {"contained": True}, "", "its programs would be loaded for the whole computer"),
        (Host(open_files=1, devices=(), user_namespace=False), {}, "", "its programs would be loaded for the whole"),
        (HOST, {}, "fsopen bpf: No such device", "can't lend BPF to its nodes: fsopen bpf: No such device"),
    ],
)
def test_a_stand_in_takes_its_place_elsewhere_and_the_run_says_why(able, monkeypatch, host, options, refusal, why):
    monkeypatch.setattr(delegation, "refused", lambda: refusal)
    network = pod_network.choose(host, **options)
    assert not network.real and why in network.why and network.parts == ()
    assert network.images(None, {"cilium": {}}, {}) == ()


def test_a_fresh_checkout_says_how_to_build_it(able, monkeypatch):
    lock = load(Layout.of(prepare.CHECKOUT).lock)
    monkeypatch.setattr(pod_network, "absent", lock.select)
    assert pod_network.choose(HOST).why == (
        "the parts cilium and network-system are not set up: ./bedplate setup network builds them, in about 10 minutes"
    )


@pytest.fixture
def built(tmp_path):
    """A file for everything that the set yields, and a chart and sources that are small."""
    lock = load(Layout.of(prepare.CHECKOUT).lock)
    folder = tmp_path / "built"
    folder.mkdir()
    for name in (name for part in lock.select(["network", "cni-plugins"]) for name in part.files):
        (folder / name).mkdir() if name.endswith("tree") else (folder / name).write_text("")
    _pack(folder / "cilium-bpf.tgz", {"bpf/bpf_lxc.c": "int x;"})
    template = (
        "root: {{ .Values.cgroup.hostRoot | quote }}\nsame: {{ .Values.cgroup.hostRootless }}\n"
        "{{- if .Values.encryption.enabled }}\nwireguard: true\n{{- end }}\n"
    )
    chart = {
        "cilium/Chart.yaml": f"name: cilium\nversion: {VERSION}\n",
        "cilium/values.yaml": yaml.safe_dump({"image": {"repository": "kept", "useDigest": True}, "envoy": {}}),
        "cilium/templates/cilium-configmap.yaml": template,
    }
    _pack(folder / f"cilium-{VERSION}.tgz", chart)
    return {path.name: path for path in folder.iterdir()}


def _pack(target, files):
    with tarfile.open(target, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


@pytest.mark.parametrize("wireguard", ["", "Error: Unknown device type."])
def test_the_chart_is_ciliums_own_except_for_what_a_node_can_not_follow(built, tmp_path, wireguard):
    network = PodNetwork(True, wireguard=wireguard)
    target = tmp_path / "lab" / "chart"
    target.parent.mkdir()
    for _ in range(2):
        pod_network.chart(target, built, network, replicas=2)
    template = (target / "templates" / "cilium-configmap.yaml").read_text()
    assert f'root: {{{{ "{delegation.CGROUP}" | quote }}}}' in template and ".Values.cgroup.hostRootless" in template
    assert ("{{- if false }}" in template) is bool(wireguard)
    values = yaml.safe_load((target / "values.yaml").read_text())
    assert values["image"] == {"repository": "kept", "useDigest": False} and values["envoy"]["enabled"] is False
    hello = list(yaml.safe_load_all((target / "templates" / "hello.yaml").read_text()))
    assert [each["kind"] for each in hello] == ["Namespace", "Deployment", "Service"]
    assert hello[1]["spec"]["replicas"] == 2 and sorted(path.name for path in target.parent.iterdir()) == ["chart"]


def test_images_have_the_names_that_the_stack_gives_them(built, tmp_path):
    values = {"image": {"repository": "registry.example.com/cilium"}, "operator": {"image": {"repository": "r.io/op"}}}
    for given, names in (
        ({}, ["quay.io/cilium/cilium", "quay.io/cilium/operator-generic"]),
        ({"values": values}, ["registry.example.com/cilium", "r.io/op-generic"]),
    ):
        images = PodNetwork(True).images(tmp_path / "store", {"cilium": given}, built)
        assert [image.name for image in images] == [f"{name}:v{VERSION}" for name in names]
    system, sources = images[0].below
    assert (sources.tree / "var/lib/cilium/bpf/bpf_lxc.c").read_text() == "int x;"
    # The agent calls the one, and Debian names the other.
    assert (
        system.links["usr/bin/clang"] == "clang-19" and system.links["usr/sbin/ip6tables-save"] == "xtables-nft-multi"
    )
    assert cilium_images.system(built) == system


def test_each_change_of_the_section_is_noted():
    notes = []
    section = {"version": "1.19.6", "digest": "sha256:0", "repository": "https://charts.example.com", "hubble": True}
    now = cilium.Network(chart="./chart", version=VERSION, wireguard="Error: Unknown device type.")
    cilium.rehearsed(section, lambda *note: notes.append(note), now)
    assert section == {"version": VERSION, "repository": None, "chart": "./chart", "hubble": False}
    assert [note[0] for note in notes] == ["cilium.chart", "cilium.encryption", "cilium.hubble"]
    assert "Unknown device type" in notes[1][3]
    cilium.rehearsed(section, lambda *note: notes.append(note), cilium.Network(chart="./other", why_not="not built"))
    assert notes[-1] == ("cilium.chart", f"./chart {VERSION}", "a stand-in", "not built") and len(notes) == 4


def test_a_refusal_ends_the_process_that_was_to_be_lent_to(monkeypatch):
    """Without the right to lend, the kernel refuses here, while the other process waits for an answer."""

    def refuse(what, *_):
        raise PermissionError(1, f"{what}: Operation not permitted")

    real = delegation._call
    monkeypatch.setattr(delegation, "_call", lambda what, *a: (refuse if "delegate" in what else real)(what, *a))
    assert delegation.refused()
