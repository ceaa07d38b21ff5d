"""Rules for signed images."""

from collections.abc import Iterator

from core.facts.contracts import KINDS
from core.facts.versions import minor, spell
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check

_SINCE = KINDS["ImageVerificationConfig"]


@check("talos")
def contract_has_image_verification(p: Platform) -> Iterator[Fault]:
    """Image rules require a contract with their document."""
    if p.talos.images and minor(p.talos.contract) < _SINCE:
        yield fault(
            ("talos", "images"),
            f"is set, but talos.contract is {p.talos.contract}",
            "that contract has no ImageVerificationConfig, so machines would refuse the config",
            f"remove it until the contract is v{spell(_SINCE)}",
        )


@check("talos")
def every_image_rule_can_match(p: Platform) -> Iterator[Fault]:
    """No image rule comes after another one that matches all its images."""
    earlier: dict[str, int] = {}
    for index, rule in enumerate(p.talos.images):
        path = ("talos", "images", str(index), "image")
        why = "the first matching rule applies, so this one never would"
        if rule.image in earlier:
            yield fault(
                path, f"{rule.image!r} is already talos.images.{earlier[rule.image]}", why, "remove one of the two"
            )
        elif {"*", "**"} & set(earlier):
            yield fault(path, f"{rule.image!r} comes after *", why, "move it before the rule for *")
        earlier.setdefault(rule.image, index)
