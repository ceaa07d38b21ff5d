"""What may not be meant is a warning in the plan, and no fault."""

from datetime import date

import pytest
from conftest import changed, run_program

from components import config
from core.model import parse
from core.model.advice import advice

LATEST = "v1.14.2"
TODAY = date(2026, 11, 1)


def test_a_key_that_cloud_init_does_not_know_is_a_warning(dev, monkeypatch):
    warnings = []
    monkeypatch.setattr(config.pulumi.log, "warn", warnings.append)
    run_program(changed(dev, {"talos.version": LATEST, "vms.web.cloud_init": {"my_module": {}, "packages": ["nginx"]}}))
    assert warnings == [
        "platform.vms.web.cloud_init.my_module: is not a key of cloud-init itself; unless a module of the image reads "
        "it, cloud-init ignores it; check its spelling in cloud-init's documentation"
    ]


def test_a_cloud_config_without_such_a_key_has_none(dev, monkeypatch):
    warnings = []
    monkeypatch.setattr(config.pulumi.log, "warn", warnings.append)
    run_program(changed(dev, {"talos.version": LATEST, "vms.web.cloud_init": {"runcmd": [["true"]], "ca-certs": {}}}))
    assert warnings == []


MODEL = "MZ7L3*"


@pytest.mark.parametrize(
    ("edits", "path", "size"),
    [
        ({"machines.wk-1.install.disk": {"model": MODEL, "size": "480GB"}}, "machines.wk-1.install.disk", "480GB"),
        ({"machines.wk-1.install.disk": {"serial": "S1", "size": "1.92 TB"}}, "machines.wk-1.install.disk", "1.92 TB"),
        (
            {"machines.wk-1.volumes": {"data": {"disk": {"model": MODEL, "size": "894GiB"}}}},
            "machines.wk-1.volumes.data.disk",
            "894GiB",
        ),
        (
            {
                "classes": {"big": {"install": {"disk": {"model": MODEL, "size": "2TB"}}}},
                "machines.wk-1.install": None,
                "machines.wk-1.class": "big",
                "machines.wk-2.install": None,
                "machines.wk-2.class": "big",
            },
            "classes.big.install.disk",
            "2TB",
        ),
        (
            {
                "classes": {"big": {"volumes": {"data": {"disk": {"model": MODEL, "size": ">= 2TB"}}}}},
                "machines.wk-1.class": "big",
                "machines.wk-1.volumes": {"data": {"disk": {"size": "2TB"}}},
            },
            "machines.wk-1.volumes.data.disk",
            "2TB",
        ),
    ],
)
def test_a_size_of_a_disk_without_an_operator_is_one_warning(prod, edits, path, size):
    assert [str(warning) for warning in advice(parse(changed(prod, edits)), TODAY)] == [
        f"platform.{path}.size: {size} fits only a disk of exactly that many bytes; a disk has some more or less than "
        f'the size that it is sold as, and Talos finds no disk; write ">= {size}", or "== {size}" if that is the exact '
        "size"
    ]


@pytest.mark.parametrize("size", [">= 480GB", "== 960 GB", "<480GB"])
def test_a_size_with_an_operator_has_none(prod, size):
    edits = {"machines.wk-1.install.disk": {"model": MODEL, "size": size}}
    assert list(advice(parse(changed(prod, edits)), TODAY)) == []
