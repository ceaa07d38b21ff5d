"""The pack starts only where it can see which values are secret."""

import runpy

import pytest
from conftest import ROOT

from policy.rules import serve


def test_a_pack_that_can_not_see_secrets_does_not_start(monkeypatch):
    """It would let every credential in plain text pass."""
    monkeypatch.setattr(serve, "decode_once", lambda: False)
    with pytest.raises(SystemExit, match=r"^the policy pack can't see which values are secret .*; install the release"):
        runpy.run_path(str(ROOT / "policy/__main__.py"))
