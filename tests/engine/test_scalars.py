"""Bedplate reads a stack file's scalars as the engine does."""

import json

import pytest

from core.loading import stackfile
from core.model import yamlfile
from tests.conftest import ROOT

pytestmark = pytest.mark.engine
SCALARS = ROOT / "tests/model/scalars.yaml"


def test_the_loader_reads_scalars_as_the_engine_does(checkout):
    here = checkout("dev")
    (here.folder / "Pulumi.dev.yaml").write_text(SCALARS.read_text(encoding="utf-8"), encoding="utf-8")
    handed = json.loads(here.pulumi("config", "get", stackfile.KEY, "--stack", "dev").stdout)
    assert yamlfile.read(SCALARS, "scalars", "")["config"][stackfile.KEY] == handed
