"""How one field of a machine config is merged, and the fields below it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Rule(Enum):
    """How a field is merged: what a patch's value does to the value that earlier patches left."""

    DEFAULT = auto()
    COUNT = auto()  # A number: 0 changes nothing.
    DURATION = auto()  # A duration: 0s changes nothing.
    WORD = auto()  # One of several words. Talos takes the first of them for unset, so it changes nothing.
    OPEN = auto()  # Free content: 0, "" and [] change nothing, and a value keeps its type.
    REPLACED = auto()  # Replaced as a whole; an empty list replaces too, an empty mapping does not.
    CERTIFICATE = auto()  # A certificate and its key: replaced as a whole, even by an empty mapping.
    CERTIFICATES = auto()  # A list of certificates: appended. Talos refuses to delete an element.
    EVEN_EMPTY = auto()  # A string that an empty string overwrites too.
    FLAGS = auto()  # Flags of a program: each flag's value is replaced, even by an empty string or list.
    URL = auto()  # A URL, merged part by part: a part that the patch's URL lacks is kept.
    SIZE = auto()  # Bytes or a percentage: a percentage changes nothing once there are bytes.
    ONCE = auto()  # Talos refuses to merge two of them.
    RESET = auto()  # Removed by every patch that reaches the mapping around it and does not set it.
    INLINE = auto()  # A mapping that a patch reaches without naming it, as soon as it reaches the mapping around it.
    NAMED = auto()  # A list whose elements are merged by name.
    INTERFACES = auto()  # A list whose elements are merged by interface, or else by device selector.
    VLANS = auto()  # A list whose elements are merged by VLAN ID.
    MOUNTED = auto()  # A list whose elements are merged by mount path.
    RULES = auto()  # A list whose elements are replaced by image pattern.


@dataclass(frozen=True)
class Field:
    """A field and the fields below it by key: `*` is any key of a mapping, `[]` any element of a list."""

    rule: Rule = Rule.DEFAULT
    unset: str = ""
    """Of a WORD: the word that Talos takes for unset."""
    below: Mapping[str, "Field"] = field(default_factory=dict)

    def at(self, key: str) -> "Field":
        """What is known of the field below a key; a field that merges by default if nothing is."""
        return self.below.get(key) or self.below.get("*") or PLAIN


PLAIN = Field()
