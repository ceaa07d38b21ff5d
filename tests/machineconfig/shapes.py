"""The files of core/facts/shapes/, derived from the types that Talos' own code reports.

`python -m tests.machineconfig.shapes JUDGE FILE` writes one, after an upgrade of toolchain/parts/config-judge*.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.facts.document_fields import Shape as Written
from tests.machineconfig.judge import Judge
from tests.machineconfig.stacks import Shape
from tests.machineconfig.types import KINDS


def written(shapes: Mapping[str, Shape]) -> dict[str, Written]:
    """What the file of a release holds: kind to its fields."""
    return {kind: _node(shape) for kind, shape in shapes.items()}


def _node(shape: Shape) -> Written:
    kind = str(shape["kind"])
    # Talos reads a duration from a text, although it is a number.
    if shape.get("atom") or kind == "interface" or shape["type"] == "time.Duration":
        return "any"
    if kind == "slice":
        return {"[]": _node(shape["elem"])}
    if kind in ("struct", "map"):
        fields = {name: _node(field) for name, field in (shape.get("fields") or {}).items()}
        return {**fields, **({"*": _node(shape["elem"])} if shape.get("elem") else {})}
    return next((noun for noun in ("uint", "int") if kind.startswith(noun)), kind)


def lines(shapes: Mapping[str, Shape]) -> str:
    """The file: one kind of document a line, so that a difference shows which one changed."""
    rows = (
        f"{json.dumps(kind)}: {json.dumps(shape, separators=(',', ':'), sort_keys=True)}"
        for kind, shape in sorted(written(shapes).items())
    )
    return "{\n" + ",\n".join(rows) + "\n}\n"


def reported(judge: Judge) -> dict[str, Any]:
    """The types of every kind that a release knows."""
    return dict(judge.all([{"kinds": ["", *KINDS]}])[0]["shapes"])


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(lines(reported(Judge(sys.argv[1]))), encoding="utf-8")
