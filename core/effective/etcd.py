"""The flags of etcd, which Talos runs as a service of its own.

Source: siderolabs/talos, internal/app/machined/pkg/system/services/etcd.go and
internal/app/machined/pkg/controllers/etcd/spec.go at v1.12 to v1.14.
"""

from ipaddress import ip_address

from core.facts.versions import Minor

from .addresses import Address, within
from .flags import Policy, Program, program
from .section import Config, Section

_PKI = "/system/secrets/etcd"
_FLAGS = {
    "auto-tls": "false",
    "peer-auto-tls": "false",
    "data-dir": "/var/lib/etcd",
    "client-cert-auth": "true",
    "cert-file": f"{_PKI}/server.crt",
    "key-file": f"{_PKI}/server.key",
    "trusted-ca-file": f"{_PKI}/ca.crt",
    "peer-client-cert-auth": "true",
    "peer-cert-file": f"{_PKI}/peer.crt",
    "peer-key-file": f"{_PKI}/peer.key",
    "peer-trusted-ca-file": f"{_PKI}/ca.crt",
}
_BEFORE_1_14 = {
    "experimental-initial-corrupt-check": ("true",),
    "experimental-watch-progress-notify-interval": ("5s",),
    "experimental-compact-hash-check-enabled": ("true",),
}
_SINCE_1_14 = {
    "feature-gates": ("InitialCorruptCheck=true", "CompactHashCheck=true"),
    "watch-progress-notify-interval": ("5s",),
    "tls-min-version": ("TLS1.3",),
}
CLIENT_PORT, PEER_PORT, HTTP_PORT = 2379, 2380, 2383


def etcd(config: Config, release: Minor, name: str, own: list[Address], origin: str) -> Program:
    """etcd of one control plane. How it joins the others depends on what is on its disk, and is left out.

    name: the machine's. own: its addresses. origin: names the Talos release.
    """
    section = config.section("", "cluster", "etcd")
    flags: dict[str, tuple[str, ...]] = {"name": (name,), **{flag: (value,) for flag, value in _FLAGS.items()}}
    flags |= _BEFORE_1_14 if release < (1, 14) else _SINCE_1_14
    flags |= _listening(section, release, own)
    # Talos starts no etcd whose config sets one of the flags above.
    denied = dict.fromkeys(flags, Policy.DENIED)
    subnets = section.texts("advertisedSubnets")
    announced = within(own, subnets) if subnets else own[:1]
    flags["advertise-client-urls"] = _urls(announced, CLIENT_PORT)
    if release >= (1, 13):
        flags["initial-advertise-peer-urls"] = _urls(announced, PEER_PORT)
    return program("etcd", flags, section.flags("extraArgs"), denied, origin)


def _listening(section: Section, release: Minor, own: list[Address]) -> dict[str, tuple[str, ...]]:
    """Where etcd listens: on those of the machine's addresses that are in the given subnets, or on all."""
    six = any(each.version == 6 for each in own)
    subnets = section.texts("listenSubnets") or section.texts("advertisedSubnets")
    peers = within(own, subnets) if subnets else [ip_address("::" if six else "0.0.0.0")]
    clients = [ip_address("::1" if six else "127.0.0.1"), *peers] if subnets else peers
    listening = {"listen-peer-urls": _urls(peers, PEER_PORT), "listen-client-urls": _urls(clients, CLIENT_PORT)}
    return listening | ({"listen-client-http-urls": _urls(clients, HTTP_PORT)} if release >= (1, 14) else {})


def _urls(addresses: list[Address], port: int) -> tuple[str, ...]:
    hosts = (f"[{each}]" if each.version == 6 else str(each) for each in addresses)
    return (",".join(f"https://{host}:{port}" for host in hosts),)
