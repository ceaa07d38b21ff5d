"""Releases that nobody mends any more."""

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
    said = []
    monkeypatch.setattr(config.pulumi.log, "warn", said.append)
    monkeypatch.setattr(config, "date", Day)
    run_program(changed(dev, {"talos.version": version}))
    minor = version.removeprefix("v").rsplit(".", 1)[0]
    expected = [
        line
        for line in said
        if line.startswith(f"platform.talos.version: Talos {minor} has had no community support since 2026-")
    ]
    assert len(expected) == len(said) == int(warned)


def test_support_ends_on_the_day():
    assert out_of_support("v1.13.9", date(2026, 9, 2)) is None
    assert out_of_support("v1.13.9", date(2026, 9, 3)) == "Talos 1.13 has had no community support since 2026-09-03"
