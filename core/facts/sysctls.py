"""How kernel parameters are spelled: a path below /proc/sys, with dots in place of slashes or with slashes."""


def dotted(key: str) -> str:
    """The spelling with dots: net.ipv4.conf.eth0/1.forwarding for net/ipv4/conf/eth0.1/forwarding.

    Where the first separator is a slash, slashes separate and dots are part of a name, such as that of a VLAN link.
    Source: systemd, sysctl.d(5).
    """
    first = next((sign for sign in key if sign in "./"), ".")
    return key if first == "." else key.translate(str.maketrans("./", "/."))


def path(key: str) -> str:
    """The path below /proc/sys that a key in the spelling with dots has."""
    return key.translate(str.maketrans("./", "/."))
