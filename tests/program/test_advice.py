"""What may not be meant is a warning in the plan, and no fault."""

from conftest import changed, run_program

from components import config

LATEST = "v1.14.2"


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
