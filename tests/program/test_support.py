"""Releases that are out of support."""

from datetime import date

import pytest
from conftest import changed, run_program

from components import config
from core.facts.versions import out_of_support


class Day(date):
    @classmethod
    def today(cls):
        return cls(2026, 11, 1)


@pytest.mark.parametrize(("version", "warned"), [("v1.12.11", True), ("v1.13.9", True), ("v1.14.2", False)])
def test_a_release_out_of_support_is_a_warning_in_the_plan(dev, monkeypatch, version, warned):
    warnings = []
    monkeypatch.setattr(config.pulumi.log, "warn", warnings.append)
    monkeypatch.setattr(config, "date", Day)
    run_program(changed(dev, {"talos.version": version}))
    minor = version.removeprefix("v").rsplit(".", 1)[0]
    expected = [
        line
        for line in warnings
        if line.startswith(f"platform.talos.version: Talos {minor} has had no community support since 2026-")
    ]
    assert len(expected) == len(warnings) == int(warned)


def test_a_release_is_out_of_support_after_its_last_day():
    assert out_of_support("v1.13.9", date(2026, 9, 2)) is None
    assert out_of_support("v1.13.9", date(2026, 9, 3)) == "Talos 1.13 has had no community support since 2026-09-03"
