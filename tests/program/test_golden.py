"""Golden images in the whole program: in what order they are made, and what a change of one replaces."""

from conftest import run_program
from model.test_golden import FOLLOWED, with_image

CDI = "kubernetes:cdi.kubevirt.io/v1beta1:"
READY = "bedplate-native:kubernetes:GoldenImage::image-fedora"


def test_a_disk_waits_for_its_image_and_an_image_for_cdi(prod):
    ran = run_program(with_image(prod))
    graph, made = ran.graph, ran.engine
    assert f"{CDI}CDI::cdi" in graph.reachable(f"{CDI}DataVolume::image-fedora/volume")
    assert f"{CDI}DataVolume::image-fedora/volume" in graph.reachable(f"{CDI}DataSource::image-fedora")
    assert READY in graph.reachable(f"{CDI}DataVolume::vm-db/root")
    closed = "kubernetes:networking.k8s.io/v1:NetworkPolicy::namespace-golden-images-default-deny"
    assert closed in graph.reachable(f"{CDI}DataVolume::image-fedora/volume")
    claim = made.of(f"{CDI}DataVolume")["image-fedora/volume"]["metadata"]["name"]
    assert made.of("bedplate-native:kubernetes:GoldenImage")["image-fedora"]["claim"] == claim


def test_an_image_is_no_disk_that_is_kept(prod):
    asked = run_program(with_image(prod)).graph.requests
    image = asked[f"{CDI}DataVolume::image-fedora/volume"]
    assert not image.protect and not image.retainOnDelete and not image.deleteBeforeReplace


def test_an_image_that_is_looked_up_again_is_replaced_by_another_schedule(prod):
    ran = run_program(with_image(prod, FOLLOWED))
    cron = ran.graph.requests[f"{CDI}DataImportCron::image-fedora"]
    assert list(cron.replaceOnChanges) == ["spec"] and cron.deleteBeforeReplace
    assert ran.engine.of("bedplate-native:kubernetes:GoldenImage")["image-fedora"]["claim"] == ""
    assert "image-fedora/volume" not in ran.engine.of(f"{CDI}DataVolume")
