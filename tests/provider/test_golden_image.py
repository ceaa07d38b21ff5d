"""A golden image, against a real TLS server that shows CDI's reports."""

import asyncio
import json

import pytest

from provider import framework
from provider.resources import RESOURCES
from tests.provider.kubernetes_server import Api
from tests.provider.test_vm_disk import running

pytestmark = pytest.mark.usefixtures("quick")

IMAGE = RESOURCES["bedplate-native:kubernetes:GoldenImage"]
CDI = "/apis/cdi.kubevirt.io/v1beta1/namespaces/golden-images"
INPUTS = {"image": "fedora", "claim": "fedora-12345678", "source": "https://images.example.com/a (sha256:00)"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
WAITS = {"conditions": [{"type": "Ready", "status": "False", "message": "Import DataVolume fedora-1 pending"}]}


@pytest.fixture
def create(tmp_path):
    made = []

    def ask(volume, source, **more):
        """Creates the image, where these are CDI's reports of its DataVolume and its DataSource."""
        api = Api(tmp_path, [200])
        made.append(api)
        reports = {f"{CDI}/datavolumes/fedora-12345678": list(volume), f"{CDI}/datasources/fedora": list(source)}

        def do_GET(self):
            left = reports[self.path]
            report = left.pop(0) if len(left) > 1 else left[0]
            return self._say(404 if report is None else 200, json.dumps({"status": report or {}}))

        api.server.RequestHandlerClass.do_GET = do_GET
        inputs = {**INPUTS, "timeoutSeconds": 5.0, **more, "kubeconfig": api.kubeconfig()}
        return asyncio.run(IMAGE.create(inputs, lambda text: None))[0]

    yield ask
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def test_it_waits_until_disks_can_be_made_from_the_image(create):
    volume = [None, {}, {"phase": "ImportInProgress", "progress": "43%"}, {"phase": "Succeeded"}]
    assert create(volume, [READY, WAITS, READY]) == "fedora"


def test_an_image_that_is_looked_up_again_is_there_once_its_name_is(create):
    assert create([None], [None, WAITS, READY], claim="") == "fedora"
    with pytest.raises(framework.UserError, match=r"within 1 s \(last: Import DataVolume fedora-1 pending\)"):
        create([None], [WAITS], claim="", timeoutSeconds=1.0)


@pytest.mark.parametrize(
    "report",
    [
        running("False", "ChecksumError", "checksum mismatch", phase="Failed"),
        running("False", "Error", "404", restarts=3),
    ],
)
def test_an_image_that_can_not_be_fetched_is_named_with_the_words_of_cdi(create, report):
    with pytest.raises(framework.UserError) as failed:
        create([report], [WAITS], timeoutSeconds=7200.0)
    words = report["conditions"][0]["message"]
    assert str(failed.value) == (
        f"image fedora was not fetched from {INPUTS['source']}, because CDI reports: {words}; no disk can be made from "
        "it; correct the source or its checksum under images, and run up again"
    )
