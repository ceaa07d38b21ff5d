"""What a plan shows when the engine ends while the program still waits for it."""

import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.engine

PLUGIN = Path(__file__).parent / "slowplugin.py"
# One resource whose check fails after the call has begun; the call ends long after that.
PROGRAM = """
import asyncio
import pulumi
from components import engine

engine.prepare()

class Group(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("test:index:Group", "group")
        self.register_outputs({{}})

async def later():
    await asyncio.sleep(2)
    return 0

{call}
seconds = pulumi.Output.from_input(later())
refused = {{"kubeconfig": pulumi.Output.secret("x"), "timeoutSeconds": seconds, "version": None}}
pulumi.CustomResource("bedplate-native:kubernetes:ApiReady", "refused", refused)
"""
CALLS = {
    "invoke": 'pulumi.export("answer", pulumi.runtime.invoke_output("slow:index:ask", {}))',
    "call": 'pulumi.export("answer", pulumi.runtime.call("slow:index:ask", {}))',
    "read, register and outputs": """
pulumi.CustomResource("slow:index:Thing", "read", {}, pulumi.ResourceOptions(id="known"))
pulumi.export("answer", pulumi.CustomResource("slow:index:Thing", "made", {}).urn.apply(len))
Group()
""",
}


@pytest.fixture
def here(checkout):
    """A checkout with a plugin that is slow."""
    slow_checkout = checkout("dev")
    (slow_checkout.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    slow = slow_checkout.folder / "slow"
    slow.mkdir()
    start = slow / "pulumi-resource-slow"
    start.write_text(f"#!{sys.executable}\n{PLUGIN.read_text(encoding='utf-8')}", encoding="utf-8")
    start.chmod(0o755)
    project = yaml.safe_load((slow_checkout.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["plugins"]["providers"].append({"name": "slow", "path": "./slow"})
    (slow_checkout.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    slow_checkout.deadline = 60
    return slow_checkout


def shown(here, call):
    (here.folder / "__main__.py").write_text(PROGRAM.format(call=CALLS[call]), encoding="utf-8")
    # Not a preview, because a plan sends its calls one by one, and none would be under way when the check fails.
    done = here.pulumi("up", "--yes", "--skip-preview", "--stack", "dev", check=False, network=False)
    text = done.stdout + done.stderr
    assert done.returncode
    assert "'refused' has a problem" in text, text
    return text


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_the_engines_end_interrupts_is_silent(here, call):
    text = shown(here, call)
    assert "Traceback" not in text and "Exception" not in text and "terminated" not in text, text
