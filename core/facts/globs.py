"""How Talos compares a disk's properties: * stands for any characters, and nothing else has a meaning."""

# Source: siderolabs/talos, pkg/machinery/cel/celenv, glob(), which is ryanuber/go-glob.
ANY = "*"
"""Any number of characters, also none."""


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern, such as MZQL2*."""
    first, *others = pattern.split(ANY)
    if not others:
        return pattern == text
    if not text.startswith(first):
        return False
    *middle, last = others
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)


def selects(pattern: str) -> bool:
    """Whether a pattern excludes any text at all."""
    return pattern.strip(ANY) != ""


def is_exact(pattern: str) -> bool:
    """Whether a pattern matches a single text."""
    return ANY not in pattern
