"""What all documents are made of: a kind, and fields that JSON can hold."""

from typing import Any

from core.facts.versions import DOCUMENTS_FROM, minor
from core.model import Platform

Document = dict[str, Any]


def by_documents(platform: Platform) -> bool:
    """Whether the contract has documents for Kubernetes and the host. The OS version does not matter."""
    return minor(platform.talos.contract) >= DOCUMENTS_FROM


def document(kind: str, **fields: Any) -> Document:
    """A document of a kind: apiVersion, kind and its fields by name."""
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def removed(kind: str, **name: str) -> Document:
    """A document that deletes the one of that kind and name, which the generator wrote."""
    return {**document(kind, **name), "$patch": "delete"}


def plain(value: Any) -> Any:
    """A value of the frozen model as JSON has it: mappings become dicts, tuples become lists."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value]
