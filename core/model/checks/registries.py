"""Authorities and passwords of registries."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


def _without_tls(p: Platform) -> set[str]:
    """Hosts of the mirrors with an http:// address."""
    endpoints = (url for mirror in p.registries.mirrors.values() for url in mirror.endpoints)
    return {url.split("://")[1].split("/")[0].lower() for url in endpoints if url.startswith("http://")}


@check("registries")
def paths_of_mirrors_are_meant(p: Platform) -> Iterator[Fault]:
    """A mirror with v2 within its path has override_path."""
    for host, mirror in p.registries.mirrors.items():
        for index, url in enumerate(() if mirror.override_path else mirror.endpoints):
            path = url.partition("://")[2].partition("/")[2]
            if "v2" in path.split("/")[:-1]:
                yield fault(
                    ("registries", "mirrors", host, "endpoints", str(index)),
                    f"has the path /{path}, and override_path is not true",
                    f"machines would append /v2 to it and ask for /{path}/v2/…, which no registry serves",
                    "write override_path: true, or the address without its path",
                )


@check("registries")
def authorities_are_used(p: Platform) -> Iterator[Fault]:
    """A mirror with an authority is reached over TLS."""
    plain = _without_tls(p)
    for host in p.registries.tls:
        if host in plain:
            yield fault(
                ("registries", "tls", host),
                f"is set for {host}, but a mirror has the address http://{host}",
                "without TLS no certificate is verified, and anyone on the network path can replace images",
                "write https:// in the mirror",
            )


@check("registries")
def passwords_are_sent_safely(p: Platform) -> Iterator[Fault]:
    """Each host with a password is one host, named once, and reached over TLS."""
    plain = _without_tls(p)
    for index, host in enumerate(p.registries.auth):
        path = ("registries", "auth", str(index))
        if host in plain:
            yield fault(
                path,
                f"{host} is a mirror with an http:// address",
                "its password would be sent in plain text",
                "write https:// in the mirror",
            )
        if host == "*":
            yield fault(
                path,
                "'*' is not the host of a registry",
                "the password would be sent to every registry",
                "write the registry's host",
            )
        if host in p.registries.auth[:index]:
            yield fault(path, f"{host} is listed twice", "a host has one user name and password", "remove it here")
