"""Our own provider under the real engine: the output when a machine or an API does not answer."""

import pytest

from tests.provider.kubernetes_server import Api

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
config = pulumi.Config()
pulumi.CustomResource(
    "bedplate-native:kubernetes:ApiReady", "api",
    {{"kubeconfig": config.require_secret("kubeconfig"), "timeoutSeconds": {seconds}, "version": None}},
)
"""


@pytest.fixture
def gate(checkout, tmp_path):
    servers = []

    def make(*answers, seconds=1):
        (tmp_path / "api").mkdir(exist_ok=True)
        servers.append(Api(tmp_path / "api", answers))
        here = checkout("dev")
        (here.folder / "__main__.py").write_text(PROGRAM.format(seconds=seconds), encoding="utf-8")
        (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
        kubeconfig = servers[-1].kubeconfig()
        here.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", kubeconfig)
        return here, kubeconfig, tmp_path / "state"

    yield make
    for one in servers:
        one.server.shutdown()
        one.server.server_close()


def test_a_gate_that_times_out_ends_in_one_line_and_the_next_run_continues(gate):
    here, _, _ = gate(503, 503, 503, 200)
    shut = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False)
    text = shut.stdout + shut.stderr
    assert shut.returncode != 0
    assert (
        "/readyz was not ok within 1 s (last: HTTP 503); the resources that depend on it are not created; look at the "
        "first control plane" in text
    )
    assert "Traceback" not in text and "Unexpected <class" not in text
    assert "1 created" in here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview").stdout.replace("+ ", "")


def test_a_kubeconfig_is_encrypted_in_the_state_and_never_shown(gate):
    here, kubeconfig, state = gate(200, seconds=20)
    shown = here.pulumi("up", "--stack", "dev", "--yes", "--diff").stdout
    shown += here.pulumi("preview", "--stack", "dev", "--diff", "--expect-no-changes").stdout
    kept = "".join(p.read_text(encoding="utf-8") for p in state.glob("**/*.json"))
    assert "ApiReady" in kept and "client-key-data" not in kept
    key = kubeconfig.split("client-key-data: ")[1][:40]
    assert key not in kept and key not in shown


def test_the_value_of_a_refused_secret_is_not_shown(gate):
    """The engine prints the plain value of a property that a failed check names."""
    here, _, _ = gate(200)
    here.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", "hunter2-hunter2")
    shown = here.pulumi("preview", "--stack", "dev", check=False)
    text = shown.stdout + shown.stderr
    assert "kubeconfig is not a kubeconfig with a client certificate" in text
    assert "hunter2" not in text


def test_a_wait_without_an_end_is_refused_in_the_plan(gate):
    here, _, _ = gate(200, seconds=0)
    shown = here.pulumi("preview", "--stack", "dev", check=False)
    assert "is not a number from 1 to 7200; every wait needs a deadline; write e.g. 900" in shown.stdout + shown.stderr


CHAIN = """
import pulumi
from components import engine
engine.prepare()
kubeconfig = pulumi.Config().require_secret("kubeconfig")
def gate(name, kubeconfig):
    inputs = {"kubeconfig": kubeconfig, "timeoutSeconds": 1, "version": None}
    return pulumi.CustomResource("bedplate-native:kubernetes:ApiReady", name, inputs)
first = gate("first", kubeconfig)
gate("behind", pulumi.Output.all(first.version, kubeconfig).apply(lambda both: both[1]))
gate("beside", kubeconfig)
"""


def test_a_dependent_of_a_failed_resource_is_never_deleted(gate):
    """The dependent is not registered, so the engine alone would delete it: all VMs, because of one dead machine."""
    here, _, _ = gate(200, 200, 200, 503)
    (here.folder / "__main__.py").write_text(CHAIN, encoding="utf-8")
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    replaced = [
        part
        for line in here.pulumi("stack", "--show-urns", "--stack", "dev").stdout.split()
        if line.endswith("::first")
        for part in ("--replace", line)
    ]
    assert replaced
    done = here.pulumi(
        "up", "--stack", "dev", "--yes", "--skip-preview", *replaced, check=False, PULUMI_CONTINUE_ON_ERROR="true"
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "was not ok within 1 s" in text
    left = here.pulumi("stack", "--show-urns", "--stack", "dev").stdout
    assert "::behind" in left and "::beside" in left, text
    assert (
        "resources that depend on them stay as they are, and nothing is deleted" in text and "Traceback" not in text
    ), text
