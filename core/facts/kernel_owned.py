"""Kernel arguments that no stack file may set, because Bedplate owns what they change, or no machine survives them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owned:
    """One argument that is refused, by its name or by its first letters where `name` ends in a dot."""

    name: str
    what: str
    why: str
    instead: str
    but: tuple[str, ...] = ()
    """Values that are not refused; one that ends in = stands for each that begins with it."""
    only: tuple[str, ...] = ()
    """The values that are refused; empty for each value."""

    def refuses(self, name: str, value: str) -> bool:
        """Whether the argument of that name is this one, with a value that is refused."""
        named = name.startswith(self.name) if self.name.endswith(".") else name == self.name
        fine = any(value == each or (each.endswith("=") and value.startswith(each)) for each in self.but)
        return named and not fine and (not self.only or value in self.only)


_SENDS = "remove it: Bedplate sends the config through the Talos API"
_PLATFORM = (
    "talos.platform is not metal",
    "Talos would look for its config at a cloud's metadata service, which any host of the network can pose as",
    "remove it: Bedplate's images have talos.platform=metal",
)
_READABLE = "images and boot servers are readable for everyone, and the config holds the cluster's keys"
_PROGRAM = ("the machine would not run Talos, or not only Talos", "remove it")
# Source: siderolabs/talos, website/content/reference/kernel and pkg/machinery/constants; kernel-parameters.txt.
OWNED = (
    Owned(
        "talos.experimental.wipe",
        "talos.experimental.wipe erases the machine at every boot",
        "kernel arguments apply to each boot, not to the next one alone",
        "remove it, and reset the machine once through the Talos API",
    ),
    Owned("talos.config.inline", "talos.config.inline contains a machine config", _READABLE, _SENDS),
    Owned("talos.config.early", "talos.config.early contains a machine config", _READABLE, _SENDS),
    Owned(
        "talos.config",
        "talos.config makes the machine fetch its config",
        "Bedplate identifies a machine before it gets a config, and one that already has another refuses Bedplate's",
        _SENDS,
    ),
    Owned(
        "talos.config.oauth.",
        "talos.config.oauth authenticates the machine where it fetches its config",
        "Bedplate identifies a machine before it gets a config, and one that already has another refuses Bedplate's",
        _SENDS,
    ),
    Owned(
        "siderolink.api",
        "siderolink.api lets another server control the machine",
        "that server gives the machine its config, upgrades it and can reset it, beside what Bedplate does",
        "remove it",
    ),
    Owned(
        "talos.environment",
        "talos.environment sets another variable than a proxy's",
        "Talos' own programs run with it, before any config and outside of what policies judge",
        "remove it",
        but=("http_proxy=", "https_proxy=", "no_proxy="),
    ),
    Owned("talos.platform", *_PLATFORM, but=("metal",)),
    Owned("-talos.platform", *_PLATFORM),
    Owned("init", "init starts another program than Talos", *_PROGRAM),
    Owned("rdinit", "rdinit starts another program than Talos", *_PROGRAM),
    Owned(
        "enforcing",
        "enforcing=1 makes SELinux enforcing",
        "that mode is untested with Cilium and KubeVirt, and can prevent nodes from joining",
        "remove it",
        only=("1",),
    ),
    Owned(
        "bedplate.",
        "starts with bedplate.",
        "policies read recorded exceptions from such arguments",
        "record exceptions in exceptions",
    ),
)
"""Each argument that is refused, whatever exceptions are recorded."""
