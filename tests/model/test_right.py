"""Unusual stack files that are right are accepted: no check refuses what works."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import changed, stack_platform

from core.model import Platform, parse

TODAY = date(2026, 11, 1)
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "right-network.yaml").read_text(encoding="utf-8"))


def right(case: dict[str, Any]) -> Platform:
    """The platform of a case."""
    return parse(changed(stack_platform(case["from"]), case["set"]), TODAY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_unusual_stack_file_is_accepted(case):
    assert right(case).machines
