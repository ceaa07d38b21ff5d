"""`./bedplate fence`: what the command line passes on."""

import pytest

from runner import main
from runner.session import Session


@pytest.mark.parametrize("options", [[], ["--yes"], ["--return"], ["--return", "--yes"]])
def test_it_shows_unless_it_is_called_with_yes(house, monkeypatch, options):
    called = []
    monkeypatch.setattr(Session, "module", lambda self, *arguments: called.append(arguments) or 2)
    assert main.main_in(house.layout, ["fence", "dev", "wk-2", *options]) == 2
    file = house.root / "Pulumi.dev.yaml"
    assert called == [("operations.fence", "dev", "wk-2", *options, "--file", file)]


def test_it_names_a_machine(house, capsys):
    assert main.main_in(house.layout, ["fence", "dev"]) == 2
    assert "the following arguments are required: MACHINE" in capsys.readouterr().err
