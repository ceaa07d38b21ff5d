"""Where virtual machines run, and how it is found out that a guest works."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .faults import refuse
from .pattern import Pattern
from .types import ClassName, Model, Place

Seconds = Annotated[int, Field(ge=1, le=3600, strict=True)]
GuestPort = Annotated[int, Field(ge=1, le=65535, strict=True)]
HttpPath = Annotated[
    str,
    Pattern(
        r"/[A-Za-z0-9._~/?=&%-]{0,200}",
        "the path of a page",
        "the guest is asked for exactly this page",
        "write e.g. /healthz",
    ),
]


class PlaceSpec(Model):
    """Where a VM runs. Groups are names of your own, in all namespaces."""

    class_: ClassName | None = Field(default=None, alias="class", examples=["hypervisor"])
    """The class of machines that the VM runs on, whatever taints they have. Unset: all machines that run VMs."""
    apart: Place | None = Field(default=None, examples=["database"])
    """A group of VMs, no two of which run on one machine."""
    zones: Annotated[bool, Field(strict=True)] = False
    """Spread the VMs of apart that are in one namespace over the zones of machines (location.zone), as evenly as is
    possible."""
    together: Place | None = Field(default=None, examples=["shop"])
    """A group of VMs that run on one machine where that is possible. A drain may separate them."""

    @model_validator(mode="after")
    def _zones_of_a_group(self) -> Self:
        if self.zones and self.apart is None:
            refuse("has zones without apart", "the VMs of a group are spread", "write e.g. apart: database")
        if self.apart is not None and self.apart == self.together:
            refuse(
                f"has {self.apart} as apart and as together",
                "two VMs run on one machine or on two",
                "write another group, or remove one of the two",
            )
        return self


class HttpProbeSpec(Model):
    """A page of the guest that is fetched without TLS."""

    port: GuestPort = Field(examples=[8080])
    path: HttpPath = "/"


class ProbeSpec(Model):
    """How it is found out that a guest works: by exactly one of tcp, http and agent."""

    tcp: GuestPort | None = Field(default=None, examples=[22])
    """A port of the guest that accepts connections."""
    http: HttpProbeSpec | None = Field(default=None, examples=["{port: 8080, path: /healthz}"])
    """A page of the guest that answers with a status from 200 to 399."""
    agent: Annotated[bool, Field(strict=True)] = False
    """The guest's qemu-guest-agent answers."""
    every: Seconds = 10
    """Seconds from one attempt to the next."""
    failures: Annotated[int, Field(ge=1, le=1000, strict=True)] = 3
    """Failed attempts in a row after which the guest doesn't work."""
    after: Annotated[int, Field(ge=0, le=3600, strict=True)] | None = Field(default=None, examples=[120])
    """Seconds from the start of the VM to the first attempt. Unset: none for ready, and 120 for alive."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        kinds = {"tcp": self.tcp, "http": self.http, "agent": self.agent}
        given = [kind for kind, value in kinds.items() if value]
        if len(given) != 1:
            refuse(
                f"has {' and '.join(given)}" if given else "has none of tcp, http and agent",
                "a guest is asked in exactly one way",
                "write e.g. tcp: 22",
            )
        return self


class ProbesSpec(Model):
    """What is done where a guest doesn't work."""

    ready: ProbeSpec | None = Field(default=None, examples=["{tcp: 443}"])
    """Services send no packets to a guest that fails it."""
    alive: ProbeSpec | None = Field(default=None, examples=["{agent: true, after: 300}"])
    """A VM whose guest fails it is stopped at once, without notice to the guest, and started again as restart says."""


Watchdog = Literal["reset", "poweroff", "shutdown"]
