"""The flags of etcd, which Talos runs as a service of its own.

Source: siderolabs/talos, internal/app/machined/pkg/system/services/etcd.go and
internal/app/machined/pkg/controllers/etcd/spec.go at v1.12 to v1.14.
"""

from collections.abc import Iterable
from ipaddress import IPv6Interface, ip_address, ip_interface

from core.facts.versions import Minor

from .flags import Policy, Program, program
from .section import Config, at

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
# Where the documents of a machine have its addresses.
_LINKS = frozenset({"LinkConfig", "BondConfig", "VLANConfig", "BridgeConfig", "DummyLinkConfig"})
CLIENT_PORT, PEER_PORT, HTTP_PORT = 2379, 2380, 2383


def etcd(config: Config, release: Minor, name: str, address: str, origin: str) -> Program:
    """etcd of one control plane. How it joins the others depends on what is on its disk, and is left out.

    name: the machine's. address: the one that its etcd announces. origin: names the Talos release.
    """
    section = config.section("", "cluster", "etcd")
    own: dict[str, tuple[str, ...]] = {"name": (name,), **{flag: (value,) for flag, value in _FLAGS.items()}}
    own |= _BEFORE_1_14 if release < (1, 14) else _SINCE_1_14
    own |= _listening(config, release)
    # Talos starts no etcd whose config sets one of the flags above.
    denied = dict.fromkeys(own, Policy.DENIED)
    own["advertise-client-urls"] = (_url(address, CLIENT_PORT),)
    if release >= (1, 13):
        own["initial-advertise-peer-urls"] = (_url(address, PEER_PORT),)
    return program("etcd", own, section.flags("extraArgs"), denied, origin)


def _listening(config: Config, release: Minor) -> dict[str, tuple[str, ...]]:
    ports = {"listen-peer-urls": PEER_PORT, "listen-client-urls": CLIENT_PORT}
    ports |= {"listen-client-http-urls": HTTP_PORT} if release >= (1, 14) else {}
    if config.section("", "cluster", "etcd").texts("listenSubnets"):
        # Which of its addresses are in those subnets, the machine itself knows.
        return dict.fromkeys(ports, ())
    everywhere = "::" if any(isinstance(each, IPv6Interface) for each in _addresses(config)) else "0.0.0.0"
    return {flag: (_url(everywhere, port),) for flag, port in ports.items()}


def _addresses(config: Config) -> Iterable[object]:
    for (kind, _), document in config.documents.items():
        found = at(document, "addresses") if kind in _LINKS else None
        for each in found if isinstance(found, list) else ():
            try:
                yield ip_interface(str(at(each, "address")))
            except ValueError:
                continue


def _url(address: str, port: int) -> str:
    host = f"[{address}]" if ip_address(address).version == 6 else address
    return f"https://{host}:{port}"
