"""The encrypted config of a stack as plain data, before anybody judges it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi

from core.credentials.hosts import HOSTS
from core.loading import stackfile
from core.model import StackFileError, envelope


def credential(config: pulumi.Config, kind: str) -> Any:
    """A credential; None where there is none, and a text where it is not JSON."""
    try:
        return config.get_object(kind)
    except pulumi.ConfigTypeError:
        # The error's text contains the value, which is secret.
        return config.get(kind)


def secret_texts(value: Any) -> Iterator[Any]:
    """Each secret of a credential: every part but hosts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from () if key == HOSTS else secret_texts(inner)
    elif value:
        yield value


def config_of(file: Path) -> dict[str, Any]:
    """What a stack file has under `config:`; nothing if the engine took the config from elsewhere.

    Raises RunError.
    """
    if not file.exists():
        return {}
    try:
        return mapping(envelope.config_of(stackfile.document(file).value))
    except StackFileError as error:
        raise pulumi.RunError(error.report) from None


def mapping(value: Any) -> dict[str, Any]:
    """The value, or nothing where it is no mapping."""
    return value if isinstance(value, dict) else {}
