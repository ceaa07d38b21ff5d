"""The network between pods in a rehearsal: real Cilium where it is built and the computer can run it, or a stand-in."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from toolchain import absent

from . import cilium_images, delegation, prepare, speed
from .images import Image
from .spec import Host

PARTS = ("network",)
# About how long they take to build, on two cores with nothing beside.
BUILD_MINUTES = 10
# Source: cilium/cilium, install/kubernetes/cilium/values.yaml at v1.20.2.
AGENT, OPERATOR = "quay.io/cilium/cilium", "quay.io/cilium/operator"

# The lab's own values in the chart's values.yaml, none of which Bedplate sets.
_VALUES: Mapping[str, Any] = {
    # Images made here have other digests, and Envoy is no Go program.
    "image": {"useDigest": False},
    "operator": {"image": {"useDigest": False}},
    "envoy": {"enabled": False},
    "l7Proxy": False,
    # The kernel answers this question (BPF_PROG_QUERY) to no process of a user namespace.
    "extraConfig": {"endpoint-bpf-prog-watchdog-interval": "0s"},
}


@dataclass(frozen=True)
class PodNetwork:
    """What makes the network between pods."""

    real: bool
    why: str = ""
    """Why it is a stand-in."""
    wireguard: str = ""
    """Why this kernel has no WireGuard, in its own words; empty if it has it."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The sets of the toolchain that it needs."""
        return PARTS if self.real else ()

    def images(self, store: Path, platform: Mapping[str, Any], built: Mapping[str, Path]) -> Sequence[Image]:
        """Its images, under the names that the chart derives from the platform's values."""
        if not self.real:
            return ()
        values = platform["cilium"].get("values") or {}
        version = prepare.versions().cilium
        agent = (values.get("image") or {}).get("repository") or AGENT
        operator = ((values.get("operator") or {}).get("image") or {}).get("repository") or OPERATOR
        return cilium_images.cilium(
            built, store=store, agent=f"{agent}:v{version}", operator=f"{operator}-generic:v{version}"
        )


def choose(host: Host, *, wanted: bool = True, contained: bool = False) -> PodNetwork:
    """The network that this computer can run, and why it is not Cilium if it isn't.

    wanted: whether to use Cilium if possible. contained: whether a container runtime runs the nodes.
    """
    if not wanted:
        return PodNetwork(False, "--without-cilium leaves it out")
    if parts := absent(PARTS):
        names = " and ".join(part.name for part in parts)
        built = f"./bedplate setup {' '.join(PARTS)} builds them, in about {BUILD_MINUTES} minutes"
        return PodNetwork(False, f"the parts {names} are not set up: {built}")
    if contained or not host.user_namespace:
        return PodNetwork(False, "its programs would be loaded for the whole computer, because nodes have no namespace")
    if refusal := delegation.refused():
        return PodNetwork(False, f"this computer can't lend BPF to its nodes: {refusal}")
    return PodNetwork(True, wireguard=_wireguard())


def _wireguard() -> str:
    command = ["unshare", "--net", "ip", "link", "add", "probe", "type", "wireguard"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=speed.deadline(10))
    return done.stderr.strip() if done.returncode else ""


def chart(target: Path, built: Mapping[str, Path], network: PodNetwork, *, replicas: int) -> Path:
    """Cilium's own chart as this lab's nodes can run it, with the Deployment hello. Returns its folder.

    Bedplate's values stay as they are. Where a node can't follow one of them, the chart reads another value instead.
    replicas: of hello, which phases ask.
    """
    shutil.rmtree(target, ignore_errors=True)
    unpacked = target.with_name(f"{target.name}.new")
    shutil.rmtree(unpacked, ignore_errors=True)
    cilium_images.unpack(built[f"cilium-{prepare.versions().cilium}.tgz"], unpacked)
    (unpacked / "cilium").rename(target)
    unpacked.rmdir()
    # Version 2 of cgroups is not at its usual place in a node with version 1.
    instead = {".Values.cgroup.hostRoot": f'"{delegation.CGROUP}"'}
    if network.wireguard:
        instead[".Values.encryption.enabled"] = "false"
    for path in (target / "templates").rglob("*"):
        if path.suffix in {".yaml", ".tpl"}:
            path.write_text(_read_instead(path.read_text(), instead))
    values = yaml.safe_load((target / "values.yaml").read_text())
    (target / "values.yaml").write_text(yaml.safe_dump(_merged(values, _VALUES)))
    hello = (prepare.HERE / "charts" / "cilium-standin" / "templates" / "hello.yaml").read_text()
    for name, value in {"helloReplicas": str(replicas), "hello": "bedplate.local/hello:v1"}.items():
        hello = hello.replace(f"{{{{ .Values.standin.{name} }}}}", value)
    (target / "templates" / "hello.yaml").write_text(hello)
    return target


def _read_instead(template: str, instead: Mapping[str, str]) -> str:
    """A template in which these values are read as the given texts."""
    for value, text in instead.items():
        template = re.sub(rf"{re.escape(value)}\b", text, template)
    return template


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below.get(key) or {}, value) if isinstance(value, Mapping) else value
        for key, value in above.items()
    }
    return {**below, **both}
