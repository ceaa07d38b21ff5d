"""Waits until a machine's services are healthy and stay so."""

import time

from clients.talos import Client

from .progress import Progress
from .waiting import wait_until

# A new config shows in services and static pods only after a few seconds: a machine counts as healthy once it has
# been healthy for this long.
STEADY_SECONDS = 15.0


def wait_until_healthy(client: Client, address: str, machine: str, seconds: float, say: Progress) -> None:
    """Return once every service and static pod of a machine has been healthy for STEADY_SECONDS.

    Raises UserError with the unhealthy ones if that takes longer than `seconds`.
    """
    healthy_since: list[float] = []

    def ask() -> tuple[bool, str]:
        try:
            unhealthy = client.unsettled(address)
        except OSError:
            healthy_since.clear()
            raise
        now = time.monotonic()
        if unhealthy:
            healthy_since.clear()
            return False, f"not healthy: {', '.join(unhealthy)}"
        healthy_since.append(now)
        return now - healthy_since[0] >= STEADY_SECONDS, f"healthy for {now - healthy_since[0]:.0f} s"

    instead = (
        f"look at it with: talosctl -n {address} services, and run up again; "
        "the configs of the other control planes were not changed"
    )
    wait_until(ask, f"{machine} was not healthy with its new config", seconds, instead, say)
