"""The types that a contract's inputs and outputs have.

A type accepts UNKNOWN anywhere inside a value: a plan checks what it knows, and the update checks the rest.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .values import Unknown

CLIENT_PARTS = ("caCertificate", "clientCertificate", "clientKey")
"""The keys of a Talos API client, each a PEM text in base64."""
AUTHORITY_PARTS = ("cert", "key")
"""The keys of a certificate authority, each a PEM text in base64."""
MOST = 1_000_000
"""The bound of a whole number without a bound of its own."""


@dataclass(frozen=True, kw_only=True)
class Type:
    """A type of value."""

    noun: str
    """What a value of this type is, with its article: "a number from 1 to 300"."""
    valid: Callable[[Any], bool]
    """Whether a known value is of this type."""
    explain: Callable[[object], str | None] | None = None
    """For a type with rules of its own: the whole message about a value that is not valid."""


def text(noun: str = "text", pattern: str = r"(?s).*\S.*") -> Type:
    """Text that matches a pattern from end to end; without a pattern, text that is not empty."""
    expression = re.compile(pattern)
    return Type(noun=noun, valid=lambda value: isinstance(value, str) and bool(expression.fullmatch(value)))


def choice(*options: str) -> Type:
    """One of several texts."""
    return Type(noun=f"one of {', '.join(options)}", valid=lambda value: value in options)


def number(least: float, most: float) -> Type:
    """A number within bounds."""
    return Type(noun=f"a number from {least:g} to {most:g}", valid=lambda value: is_number(value, least, most))


def whole(least: int, most: int = MOST) -> Type:
    """A whole number within bounds. On the wire every number is a float."""
    noun = f"a whole number from {least}" + (f" to {most}" if most < MOST else "")
    return Type(noun=noun, valid=lambda value: is_number(value, least, most) and value == int(value))


def texts(least: int = 1) -> Type:
    """A list of texts, at least so many."""
    return Type(
        noun="a list of texts" if not least else "a list of one or more texts",
        valid=lambda value: (
            isinstance(value, list) and len(value) >= least and all(isinstance(item, str | Unknown) for item in value)
        ),
    )


def text_mapping(least: int = 0, noun: str = "a mapping from names to texts") -> Type:
    """A mapping from names to texts, with at least so many entries."""
    return Type(
        noun=noun,
        valid=lambda value: (
            isinstance(value, Mapping)
            and len(value) >= least
            and all(isinstance(item, str | Unknown) for item in value.values())
        ),
    )


def mapping(noun: str = "a mapping") -> Type:
    """A mapping with values of any shape."""
    return Type(noun=noun, valid=lambda value: isinstance(value, Mapping))


def ruled(noun: str, explain: Callable[[object], str | None]) -> Type:
    """A type whose rules are functions that other rooms use too: each returns the whole message, or None if valid."""
    return Type(noun=noun, valid=lambda value: explain(value) is None, explain=explain)


def is_number(value: object, least: float, most: float) -> TypeGuard[float]:
    """Whether this is a number within bounds; True and False are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _of_base64(names: tuple[str, ...]) -> Callable[[Any], bool]:
    """Whether a value is a mapping with all these names, each of them to a text in base64."""

    def valid(value: Any) -> bool:
        parts = [value.get(name) for name in names] if isinstance(value, Mapping) else [None]
        return all(isinstance(part, Unknown) or _is_base64(part) for part in parts)

    return valid


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False


ANY_TEXT = text("text", r"(?s).*")
"""Text that may be empty."""
FLAG = Type(noun="true or false", valid=lambda value: isinstance(value, bool))
KUBECONFIG = text("a kubeconfig with a client certificate")
"""The provider also parses it."""
TALOS_CLIENT = Type(noun="a client of the Talos API", valid=_of_base64(CLIENT_PARTS))
"""A mapping of CLIENT_PARTS to PEM texts in base64."""
AUTHORITY = Type(noun="an authority's certificate and key", valid=_of_base64(AUTHORITY_PARTS))
"""A mapping of AUTHORITY_PARTS to PEM texts in base64."""
