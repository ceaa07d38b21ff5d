"""The gate of one node, against a real TLS server on this machine."""

import asyncio
import json

import pytest

from provider import framework
from provider.resources import RESOURCES
from tests.provider.kubernetes_server import Api

pytestmark = pytest.mark.usefixtures("quick")

GATE = RESOURCES["bedplate-native:kubernetes:NodeReady"]


class Nodes(Api):
    """An API that tells one node's condition, a different one at each question."""

    def __init__(self, folder, *told):
        super().__init__(folder, [200])
        self.told = list(told)
        self.paths = []
        handler = self.server.RequestHandlerClass
        api = self

        def do_GET(self):
            api.paths.append(self.path)
            said = api.told.pop(0) if len(api.told) > 1 else api.told[0]
            if isinstance(said, int):
                return self._say(said, "")
            condition = {"type": "Ready", "status": said, "message": "container runtime network not ready"}
            return self._say(200, json.dumps({"status": {"conditions": [condition]}}))

        handler.do_GET = do_GET


@pytest.fixture
def nodes(tmp_path):
    made = []

    def start(*told):
        made.append(Nodes(tmp_path, *told))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def create(kubeconfig, seconds=5.0, said=None):
    say = said.append if said is not None else lambda text: None
    return asyncio.run(GATE.create({"node": "cp-1", "kubeconfig": kubeconfig, "timeoutSeconds": seconds}, say))


def test_it_waits_until_the_node_has_joined_and_is_ready(nodes):
    api = nodes(404, 503, "False", "True")
    identity, _ = create(api.kubeconfig())
    assert identity == "cp-1"
    assert api.paths == ["/api/v1/nodes/cp-1"] * 4


@pytest.mark.parametrize(
    ("told", "heard"), [("False", "container runtime network not ready"), (404, "it has not joined"), (503, "HTTP 503")]
)
def test_a_node_that_is_not_ready_in_time_is_named_with_what_is_known_of_it(nodes, told, heard):
    with pytest.raises(framework.UserError) as failed:
        create(nodes(told).kubeconfig(), 1.0)
    assert (
        str(failed.value)
        == f"node cp-1 was not Ready within 1 s (last: {heard}); the resources that depend on it are not created; look"
        " at it with: talosctl -n ADDRESS services, kubectl describe node cp-1, and run up again"
    )


def test_a_refused_client_is_not_waited_for(nodes):
    with pytest.raises(framework.UserError, match=r"refuses this client certificate \(HTTP 403\)"):
        create(nodes(403, "True").kubeconfig())


@pytest.mark.parametrize("name", ["", "CP-1", "cp/1", None, 5])
def test_what_is_no_nodes_name_is_refused(name):
    inputs = {"node": name, "kubeconfig": framework.UNKNOWN, "timeoutSeconds": 60}
    what = "is missing" if name in ("", None) else "is not the name of a node"
    assert [error.reason for error in GATE.check(inputs)] == [
        f"{what}; the Kubernetes API looks the node up by its name; write e.g. cp-1"
    ]


def test_a_renewed_kubeconfig_asks_nobody():
    """The node joined long ago; an update must work while it is down."""
    made = asyncio.run(GATE.update("cp-1", {}, {"node": "cp-1", "kubeconfig": "other"}, print))
    assert made == {"node": "cp-1", "kubeconfig": "other"}
