"""What all documents are made of."""

from typing import Any

from core.facts.versions import minor
from core.model import Platform

Document = dict[str, Any]

# From here on documents replace the fields of the one large v1alpha1 config. Both together are refused.
DOCUMENTS_FROM = (1, 14)


def by_documents(platform: Platform) -> bool:
    """Whether Kubernetes and the host are described by documents of their own. The contract says so, never the OS."""
    return minor(platform.talos.contract) >= DOCUMENTS_FROM


def document(kind: str, **fields: Any) -> Document:
    """A typed document."""
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def removed(kind: str, **name: str) -> Document:
    """Takes away a document that the generator wrote."""
    return {**document(kind, **name), "$patch": "delete"}


def plain(value: Any) -> Any:
    """Mappings and tuples of the frozen model as what JSON knows."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value]
