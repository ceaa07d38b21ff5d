"""One mock engine for every test that needs no real one: it answers, and remembers what it was asked."""

import asyncio
import copy
import json
import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import HealthCheck, settings
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key
from pulumi.runtime.settings import SETTINGS

from core.credentials.kubeconfig import Kubeconfig
from core.native.kubernetes import KUBECONFIG_SIGNED
from runner.testing import EXAMPLES
from tests import notes, timing
from tests.notes import pytest_report_to_serializable, pytest_warning_recorded
from tests.timing import pytest_collection, pytest_collection_modifyitems

__all__ = [
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_report_to_serializable",
    "pytest_warning_recorded",
]

# A slow minute of the machine is no fault of the code; speed is measured by bench/.
settings.register_profile("bedplate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Before each commit, fewer examples of each property; the whole suite, which CI runs, draws all of them.
settings.register_profile("quick", settings.get_profile("bedplate"), max_examples=20)
settings.load_profile(os.environ.get(EXAMPLES, "bedplate"))

ROOT = Path(__file__).parents[1]
KEY = "bedplate:platform"

# What the real plugins make, as far as the layers above look at it.
MACHINE_SECRETS = {
    "certs": {
        **{name: {"cert": f"{name}-cert", "key": f"{name}-key"} for name in ("etcd", "k8s", "k8sAggregator", "os")},
        "k8sServiceaccount": {"key": "sa-key"},
    },
    "cluster": {"id": "cluster-id", "secret": "cluster-secret"},
    "secrets": {"bootstrapToken": "bootstrap-token", "secretboxEncryptionSecret": "secretbox"},
    "trustdinfo": {"token": "trustd-token"},
}
MADE: dict[str, dict[str, Any]] = {
    "talos:machine/secrets:Secrets": {
        "clientConfiguration": {"caCertificate": "ca", "clientCertificate": "certificate", "clientKey": "key"},
        "machineSecrets": MACHINE_SECRETS,
    },
    "bedplate-native:talos:MachineConfig": {"machineConfiguration": "rendered"},
    "bedplate-native:kubernetes:ApiReady": {"version": "v1.35.4"},
}


PEM = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"


def kubeconfig(inputs: Mapping[str, Any]) -> str:
    """A kubeconfig as the provider writes it, without real keys."""
    certificate = PEM.format("CERTIFICATE")
    return Kubeconfig(inputs["cluster"], inputs["server"], certificate, certificate, PEM.format("PRIVATE KEY")).text()


def pytest_configure(config: pytest.Config) -> None:
    timing.pytest_configure(config)
    notes.pytest_configure(config)


@dataclass
class Engine(pulumi.runtime.Mocks):
    """Every resource and every call, as the engine would have got them."""

    resources: dict[tuple[str, str], MockResourceArgs] = field(default_factory=dict)
    calls: list[MockCallArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        key = (args.typ, args.name)
        assert key not in self.resources, f"registered twice: {key}"
        self.resources[key] = args
        made = {"kubeconfig": kubeconfig(args.inputs)} if args.typ == KUBECONFIG_SIGNED.token else {}
        return f"{args.name}-id", {**args.inputs, **made, **MADE.get(args.typ, {})}

    def call(self, args: MockCallArgs) -> Any:
        self.calls.append(args)
        return {"machineConfiguration": f"<{args.args.get('machineType')}>"}

    def of(self, typ: str) -> dict[str, dict[str, Any]]:
        """The inputs of every resource of a type, by name."""
        return {name: args.inputs for (t, name), args in self.resources.items() if t == typ}


class Graph(MockMonitor):
    """A mock monitor that keeps the edges and the options, which the stock one drops."""

    def __init__(self, mocks: Engine) -> None:
        super().__init__(mocks)
        self.needs: dict[str, set[str]] = {}
        self.parents: dict[str, str] = {}
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        reply = super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's mocks have no types
        name = _short(reply.urn)
        edges = {*request.dependencies, request.provider.rsplit("::", 1)[0], request.parent} - {""}
        self.needs[name] = {_short(e) for e in edges}
        self.parents[name] = _short(request.parent) if request.parent else ""
        self.requests[name] = request
        return reply

    def reachable(self, name: str) -> set[str]:
        """Everything that a resource waits for, directly or not."""
        seen: set[str] = set()
        todo = [name]
        while todo:
            for need in self.needs.get(todo.pop(), ()):
                if need not in seen:
                    seen.add(need)
                    todo.append(need)
        return seen


def _short(urn: str) -> str:
    """Type and name, without stack, project and the types of the parents."""
    kind, name = urn.split("::", 2)[2].split("::", 1)
    return f"{kind.rsplit('$', 1)[-1]}::{name}"


@dataclass
class Hooks:
    """The hooks that a program registered, by name."""

    known: dict[str, pulumi.ResourceHook] = field(default_factory=dict)

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        assert hook.name not in self.known, f"registered twice: {hook.name}"
        self.known[hook.name] = hook


@dataclass
class Ran:
    """A whole program that ran."""

    engine: Engine
    graph: Graph
    hooks: dict[str, pulumi.ResourceHook]

    def inputs(self) -> dict[tuple[str, str], Any]:
        return {key: plain(args.inputs) for key, args in self.engine.resources.items()}


def run_program(raw: Mapping[str, Any], preview: bool = True, config: Mapping[str, str] | None = None) -> Ran:
    """Runs __main__.py against the mock engine, with a platform given as the stack file would."""
    with event_loop():
        return _run(raw, preview, config)


@contextmanager
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop that the SDK wants to find, which asyncio.run in an earlier test took away.

    A program that fails leaves tasks behind. They end here: if the garbage collector ended them, they would go on in
    the middle of another test, and report to its loop.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        _end_tasks(loop)


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    # A task that has not begun is let begin first: what it would await is otherwise reported as never awaited.
    loop.run_until_complete(asyncio.sleep(0))
    while pending := asyncio.all_tasks(loop):
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()


def _run(raw: Mapping[str, Any], preview: bool, config: Mapping[str, str] | None) -> Ran:
    engine = Engine()
    graph = Graph(engine)
    pulumi.runtime.set_mocks(engine, project="bedplate", stack="test", preview=preview, monitor=graph)
    # The mocks bring no place where hooks are registered.
    hooks = Hooks()
    SETTINGS.callbacks = hooks
    # What an earlier test's monitor supported says nothing of this one's.
    SETTINGS.feature_support = {}
    pulumi.runtime.set_all_config({KEY: json.dumps(raw), **(config or {})})

    def go() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    pulumi.runtime.test(go)()  # type: ignore[no-untyped-call] # the SDK's helpers for tests have no types
    return Ran(engine, graph, hooks.known)


def ran(raw: Mapping[str, Any], preview: bool = True, config: Mapping[str, str] | None = None) -> Ran:
    """The program's run with these inputs, which several tests share: for tests that change nothing of it."""
    return _ran(json.dumps(raw), preview, json.dumps(config))


@lru_cache(maxsize=64)
def _ran(raw: str, preview: bool, config: str) -> Ran:
    return run_program(json.loads(raw), preview, json.loads(config))


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_special_sig_key) == _special_secret_sig


def plain(value: Any) -> Any:
    """What a value is, secret or not."""
    if isinstance(value, pulumi.output.Unknown):
        return "[unknown]"
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def stack_platform(stack: str) -> dict[str, Any]:
    """The platform of a stack file of the repository, as a copy to change."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    platform: dict[str, Any] = document["config"][KEY]
    return platform


def changed(raw: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with dotted paths set; None removes a key, "null!" writes a null."""
    made = copy.deepcopy(dict(raw))
    for path, value in edits.items():
        *parents, leaf = path.split(".")
        at: Any = made
        for part in parents:
            at = at.setdefault(part, {})
        if value is None:
            at.pop(leaf, None)
        else:
            at[leaf] = None if value == "null!" else value
    return made


@pytest.fixture
def dev() -> dict[str, Any]:
    return stack_platform("dev")


@pytest.fixture
def prod() -> dict[str, Any]:
    return stack_platform("prod")


@pytest.fixture
def program() -> Callable[..., Ran]:
    return run_program
