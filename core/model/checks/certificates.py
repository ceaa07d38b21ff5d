"""Certificates of the platform's own authorities: not expired, and allowed to sign others."""

from collections.abc import Iterator
from datetime import date

from core.facts.pem import are_no_authorities, last_days
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check, dated_check


@check("talos")
def trusted_roots_are_authorities(p: Platform) -> Iterator[Fault]:
    """No trusted root is a server's own certificate."""
    for name, pem in p.talos.trusted_roots.items():
        if are_no_authorities(pem):
            yield fault(
                ("talos", "trusted_roots", name),
                "is not the certificate of an authority (CA:FALSE)",
                "machines would trust nothing more than before, because it may sign no certificate",
                "paste the certificate of the authority that signed it",
            )


@dated_check("talos", "registries", "machines", "classes")
def authorities_are_valid(p: Platform, today: date) -> Iterator[Fault]:
    """Each authority has a certificate that has not expired."""
    for path, pem in _authorities(p):
        days = last_days(pem)
        if not days or max(days) >= today:
            continue
        yield fault(
            path,
            f"expired on {max(days)}",
            "nothing that it signed is trusted",
            "paste the certificate that is valid now",
        )


def _authorities(p: Platform) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each certificate of an authority: the path of its key, and its PEM."""
    for name, pem in p.talos.trusted_roots.items():
        yield ("talos", "trusted_roots", name), pem
    for host, tls in p.registries.tls.items():
        yield ("registries", "tls", host, "ca"), tls.ca
    shared = {name: each.bmc.ca for name, each in p.classes.items() if each.bmc and each.bmc.ca}
    for name, pem in shared.items():
        yield ("classes", name, "bmc", "ca"), pem
    for name, machine in p.declared.items():
        if machine.bmc and machine.bmc.ca and machine.bmc.ca != shared.get(machine.class_ or ""):
            yield ("machines", name, "bmc", "ca"), machine.bmc.ca
