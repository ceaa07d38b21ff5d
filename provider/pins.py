"""Which certificate a machine without a config has shown, and which machines are known to have a config.

A machine without a config asks for no certificate, so whoever has its address can answer for it. Its certificate is
recorded at the identity gate, and the config goes only to the holder of that certificate.
"""

import threading

from .framework import UserError


class Pins:
    """What one update has seen of its machines; a plugin's process serves one update."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._identified: dict[str, str] = {}
        self._configured: set[str] = set()

    def identified(self, machine: str, fingerprint: str) -> None:
        """Record the certificate under which a machine was identified, as its SHA-256; empty if it had a config."""
        with self._lock:
            self._identified[machine] = fingerprint

    def is_of_this_update(self, machine: str, fingerprint: str) -> bool:
        """Whether this update identified the machine under this certificate, and not an earlier one."""
        with self._lock:
            return self._identified.get(machine) == fingerprint

    def configured(self, machine: str) -> None:
        """Record that a machine has had a config, although its record is deleted in this update."""
        with self._lock:
            self._configured.add(machine)

    def is_configured(self, machine: str) -> bool:
        """Whether this update deleted the record of the machine's config."""
        with self._lock:
            return machine in self._configured


def unknown(machine: str, address: str) -> UserError:
    """The fault of an address where a machine with a config is expected, and one without a config answers."""
    return UserError(
        f"{machine}: the server at {address} asks for no certificate, although {machine} has had its config; it is "
        "another machine, or has lost its config; a config holds the cluster's keys, so nothing was sent; look at "
        "the machine and its network; to install it again, raise its install.generation, then run up again"
    )


PINS = Pins()
