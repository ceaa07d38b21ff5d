"""Shapes of machine config patches that cases share."""

V = "v1alpha1"


def api(**settings: object) -> dict[str, object]:
    return {"cluster": {"apiServer": settings}}


def document(kind: str, **fields: object) -> dict[str, object]:
    return {"apiVersion": V, "kind": kind, **fields}
