"""Golden images as Kubernetes objects, and disks that are copies of them."""

from diskvms import HTTP, SHA
from model.test_golden import FOLLOWED, TAG, with_image

from core.manifests import disk as disks
from core.manifests import golden
from core.model import parse
from core.model.claims import claims

ABOUT = {"name": "fedora", "namespace": "golden-images", "labels": {"bedplate/image": "fedora"}}


def test_an_image_is_a_claim_that_is_made_at_once_and_a_name_for_it(prod):
    platform = parse(with_image(prod))
    volume, named = golden.volume(platform, "fedora"), golden.data_source(platform, "fedora")
    assert volume["metadata"]["annotations"] == {"cdi.kubevirt.io/storage.bind.immediate.requested": "true"}
    assert volume["metadata"]["labels"] == ABOUT["labels"]
    assert volume["spec"]["source"] == HTTP and volume["spec"]["storage"]["storageClassName"] == "ceph-block"
    assert named["metadata"] == ABOUT
    assert named["spec"]["source"]["pvc"] == {
        "name": volume["metadata"]["name"],
        "namespace": volume["metadata"]["namespace"],
    }


def test_an_image_that_is_looked_up_again_keeps_its_name(prod):
    made = golden.import_cron(parse(with_image(prod, FOLLOWED)), "fedora")
    assert made["metadata"] == ABOUT
    assert (made["spec"]["schedule"], made["spec"]["managedDataSource"]) == ("0 3 * * 1", "fedora")
    source = made["spec"]["template"]["spec"]["source"]
    assert source == {"registry": {"url": f"docker://{TAG}", "pullMethod": "node"}}


def test_a_disk_refers_to_its_image_by_name_and_takes_it_from_the_images_namespace(prod):
    (claim,) = claims(parse(with_image(prod)), "db")
    made = disks.data_volume(claim)
    assert made["spec"]["sourceRef"] == {"kind": "DataSource", "name": "fedora", "namespace": "golden-images"}
    assert "source" not in made["spec"] and SHA not in str(made)
    (rule,) = disks.receiving_policy(claim)["spec"]["ingress"]
    assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "golden-images"}
    assert disks.described(claim) == "image fedora"
