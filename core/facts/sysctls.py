"""How kernel parameters are spelled: a path below /proc/sys, with dots in place of slashes or with slashes."""

from collections.abc import Mapping


def dotted(key: str) -> str:
    """The spelling with dots: net.ipv4.conf.eth0/1.forwarding for net/ipv4/conf/eth0.1/forwarding.

    Where the first separator is a slash, slashes separate and dots are part of a name, such as that of a VLAN link.
    Source: systemd, sysctl.d(5).
    """
    first = next((sign for sign in key if sign in "./"), ".")
    return key if first == "." else key.translate(str.maketrans("./", "/."))


def starts_another(key: str, value: str, programs: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a kernel parameter makes the kernel start another program than those that it may name.

    programs: parameter to the programs that it may name.
    """
    named = value.strip()
    if key not in programs or named in programs[key]:
        return False
    # A file's name is no program.
    return key != "kernel.core_pattern" or named.startswith(("|", "@"))


def path(key: str) -> str:
    """The path below /proc/sys that a key in the spelling with dots has."""
    return key.translate(str.maketrans("./", "/."))
