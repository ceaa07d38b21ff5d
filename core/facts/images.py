"""References of container images, and which part of one is wrong."""

import re

from .addresses import LITERAL, NAME, PORT, port_fault

# Source: distribution/reference, regexp.go and normalize.go: a first part without a dot or a port is no host, unless it
# is localhost: image tools put docker.io before it. To containerd's mirrors, a host in capitals is another host.
_LOWER = NAME.replace("A-Za-z0-9", "a-z0-9")
# Source: distribution/reference, regexp.go.
REGISTRY = rf"(?:(?:(?=[^/]*[.]|localhost)(?:{_LOWER})|{LITERAL})(?:{PORT})?|(?:{_LOWER}){PORT})"
"""The host of a registry, with or without a port."""
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
# Source: distribution/reference, regexp.go.
REPOSITORY = rf"{REGISTRY}(?:/{_PART})*"
"""A registry, or a part of one: images are named by what follows."""
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"
# Source: distribution/reference, regexp.go.
UNTAGGED = rf"{REGISTRY}(?:/{_PART})+"
"""A registry with the name of an image in it, to which a tag is added."""
# Source: distribution/reference, regexp.go.
PINNED = rf"{REGISTRY}(?:/{_PART})+(?:(?::(?!latest$|latest@){_TAG})(?:{_DIGEST})?|{_DIGEST})"
"""A reference with a tag other than latest, with a digest, or with both."""
# Source: RFC 1035, section 2.3.4; distribution/reference, regexp.go.
_LONGEST_TAG = 128


def fault(reference: str, pinned: bool = True) -> str | None:
    """Which part of a reference is wrong, as a clause; None where it is right, or no single part is to blame.

    pinned: it must name one image, and not a repository.
    """
    if "://" in reference:
        return f"it starts with {reference.partition('://')[0]}://, and names of images have no scheme"
    name, at, digest = reference.partition("@")
    path, colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    host, slash, rest = path.partition("/")
    if pinned and not slash:
        return "it names no registry"
    return (
        _host_fault(host)
        or _path_fault(rest, bool(slash))
        or _tag_fault(tag, bool(colon), pinned)
        or _digest_fault(digest, bool(at), pinned)
        or ("it has neither a tag nor a digest" if pinned and not colon and not at else None)
    )


def _host_fault(host: str) -> str | None:
    if host != host.lower() and re.fullmatch(REGISTRY, host.lower(), re.ASCII):
        return f"the host {_short(host)} has capital letters"
    if wrong := port_fault(host):
        return wrong
    return None if re.fullmatch(REGISTRY, host, re.ASCII) else f"{_short(host)} is not the host of a registry"


def _path_fault(path: str, there: bool) -> str | None:
    wrong = next((part for part in path.split("/") if not re.fullmatch(_PART, part, re.ASCII)), None) if there else None
    if wrong is None:
        return None
    if not wrong:
        return "it has an empty part, between two slashes or at its end"
    if wrong != wrong.lower() and re.fullmatch(_PART, wrong.lower(), re.ASCII):
        return f"{_short(wrong)} has capital letters"
    return f"{_short(wrong)} is not a part of a name, which has a-z and 0-9, with single . or _ or with - between them"


def _tag_fault(tag: str, there: bool, pinned: bool) -> str | None:
    if not there:
        return None
    if not pinned:
        return "it has a tag"
    if len(tag) > _LONGEST_TAG:
        return f"its tag has {len(tag)} characters, and {_LONGEST_TAG} are allowed"
    if tag == "latest":
        return "its tag is latest"
    return None if re.fullmatch(_TAG, tag, re.ASCII) else f"{_short(tag)} is not a tag"


def _digest_fault(digest: str, there: bool, pinned: bool) -> str | None:
    if not there or re.fullmatch(_DIGEST, f"@{digest}", re.ASCII):
        return None if not there or pinned else "it has a digest"
    if re.fullmatch(_DIGEST, f"@{digest.lower()}", re.ASCII):
        return "its digest has capital letters"
    return "its digest is not sha256: and 64 hexadecimal digits"


def _short(part: str) -> str:
    return ascii(part) if len(part) <= 40 else "a part of it"
