"""The gate before the Kubernetes provider, against a real TLS server on this machine."""

import asyncio
import ssl
import stat
from pathlib import Path

import pytest

from clients import kubernetes
from provider import (
    framework,
)
from provider.resources import RESOURCES
from tests.provider.certificates import Pki
from tests.provider.kubernetes_server import Api

pytestmark = pytest.mark.usefixtures("quick")

GATE = RESOURCES["bedplate-native:kubernetes:ApiReady"]


@pytest.fixture
def api(tmp_path):
    made = []

    def start(*answers):
        made.append(Api(tmp_path, answers))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def create(kubeconfig, seconds=5.0, said=None):
    say = said.append if said is not None else lambda text: None
    return asyncio.run(GATE.create({"kubeconfig": kubeconfig, "timeoutSeconds": seconds}, say))


def test_it_waits_until_the_api_says_that_it_is_ready(api):
    server = api(503, 503, 200)
    kubeconfig = server.kubeconfig()
    identity, outputs = create(kubeconfig)
    assert server.asked == 3
    assert identity == f"https://localhost:{server.server.server_port}"
    assert outputs == {"kubeconfig": kubeconfig, "timeoutSeconds": 5.0, "version": "v1.35.4"}


def test_it_gives_up_in_time_and_says_what_it_heard_last(api):
    server = api(503)
    said = []
    with pytest.raises(
        framework.UserError,
        match=(
            r"/readyz was not ok within 1 s \(last: HTTP 503\); the resources that depend on it are not created; look"
            r" at the first control plane with: talosctl"
        ),
    ):
        create(server.kubeconfig(), 1.0, said)
    assert said and "/readyz was not ok (last: HTTP 503)" in said[0]


def test_an_api_that_refuses_the_certificate_is_not_waited_for(api):
    server = api(401, 200)
    with pytest.raises(
        framework.UserError,
        match=r"refuses this client certificate \(HTTP 401\); it belongs to another cluster, or has expired",
    ):
        create(server.kubeconfig())
    assert server.asked == 1


def test_another_clusters_api_is_not_trusted(api):
    server = api(200)
    with pytest.raises(framework.UserError, match=r"last: its certificate is not trusted \(self-signed certificate in"):
        create(server.kubeconfig(pki=Pki("ca")), 1.0)
    assert server.asked == 0


def test_nobody_at_the_address_is_told_as_such(api):
    server = api(200)
    kubeconfig = server.kubeconfig()
    server.server.shutdown()
    server.server.server_close()
    with pytest.raises(framework.UserError, match=r"Connection refused"):
        create(kubeconfig, 1.0)


def test_the_clients_key_is_on_disk_for_a_moment_only_and_for_its_owner_only(api, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(kubernetes.tempfile, "tempdir", str(tmp_path))
    load = ssl.SSLContext.load_cert_chain

    def spy(self, path, *args):
        seen.append((stat.S_IMODE(Path(path).stat().st_mode), stat.S_IMODE(Path(path).parent.stat().st_mode)))
        load(self, path, *args)

    server = api(200)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", spy)
    create(server.kubeconfig())
    assert seen == [(0o600, 0o700)]
    assert [p.name for p in tmp_path.glob("bedplate-*")] == []


@pytest.mark.parametrize("text", ["", "not: a kubeconfig", "[]", "{", "contexts: []", None, 5])
def test_what_is_no_kubeconfig_is_refused_in_the_plan_and_not_shown(text):
    wrong = GATE.check({"kubeconfig": text, "timeoutSeconds": 900})
    assert [w.property for w in wrong] == ["kubeconfig"]
    assert wrong[0].reason.startswith(
        "is missing; " if text in ("", None) else "is not a kubeconfig with a client certificate"
    )


@pytest.mark.parametrize("seconds", [0, -1, 99999, "900", True, None])
def test_a_wait_that_may_not_end_is_refused(seconds):
    wrong = GATE.check({"kubeconfig": framework.UNKNOWN, "timeoutSeconds": seconds})
    what = "is missing" if seconds is None else "is not a number from 1 to 7200"
    assert [str(w.reason) for w in wrong] == [f"{what}; every wait needs a deadline; write e.g. 900"]


def test_a_plan_knows_all_but_the_version():
    planned = GATE.plan({"kubeconfig": framework.UNKNOWN, "timeoutSeconds": 900})
    assert planned == {"kubeconfig": framework.UNKNOWN, "timeoutSeconds": 900, "version": framework.UNKNOWN}
