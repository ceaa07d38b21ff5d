"""Each part of the SDK that the program replaces behaves like the original, but faster or without noise."""

import asyncio
import itertools
import os
import subprocess
import sys
from pathlib import Path

import grpc
import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import log
from pulumi.runtime import mocks, resource, resource_cycle_breaker, rpc, settings, stack
from pulumi.runtime.settings import SETTINGS

from components import engine
from components.engine import cycles, ending, failures, guard, logs, positions, waiting
from tests.conftest import ROOT, Engine


class Interrupted(grpc.RpcError):
    """A call that failed, as the SDK's gRPC reports it."""

    def __init__(self, code, details):
        super().__init__()
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return self._details


CLOSING = Interrupted(grpc.StatusCode.UNKNOWN, "invocation returned an error: grpc: the client connection is closing")
SHUT_DOWN = Interrupted(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down while waiting on step's done channel")
REFUSED = Interrupted(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses")
CANCELLED = Interrupted(grpc.StatusCode.UNKNOWN, "rpc error: code = Canceled desc = context canceled")
CRASHED = Interrupted(grpc.StatusCode.UNKNOWN, "rpc error: code = Unavailable desc = error reading from server: EOF")


class Monitor(mocks.MockMonitor):
    """An engine that fails one method, and answers the others or not."""

    def __init__(self, method, error, alive):
        super().__init__(Engine())
        self._alive = alive
        self.probes = 0
        setattr(self, method, self._fail)
        self._error = error

    def _fail(self, request):
        if getattr(request, "type", "") == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        raise self._error

    def SupportsFeature(self, request):
        self.probes += 1
        if not self._alive:
            raise REFUSED
        return super().SupportsFeature(request)


@pytest.fixture
def run(monkeypatch):
    """Runs a program as the language host does, with the replaced parts of the SDK."""

    def go(program, monitor):
        # Threads would use the first engine of this process, and in a real program there is only one.
        monkeypatch.setattr(settings, "get_monitor", lambda: monitor)
        _run(program, monitor)

    return go


def _run(program, monitor):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(Engine(), project="bedplate", stack="test", preview=True, monitor=monitor)
    settings.ROOT.set(None)
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    SETTINGS.feature_support = {"aliasSpecs": False}
    engine.prepare()
    try:
        loop.run_until_complete(stack.run_pulumi_func(lambda: stack.Stack(program) and None))
    finally:
        SETTINGS.feature_support = {}
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        pending = asyncio.all_tasks(loop)
        for each in pending:
            each.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()


class Group(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("test:index:Group", "group")
        self.register_outputs({})


PROGRAMS = {
    "Invoke": lambda: pulumi.export("answer", pulumi.runtime.invoke_output("talos:index:ask", {})),
    "Call": lambda: pulumi.export("answer", pulumi.runtime.call("talos:index:ask", {})),
    "ReadResource": lambda: pulumi.CustomResource("a:b:C", "read", {}, pulumi.ResourceOptions(id="known")) and None,
    "RegisterResource": lambda: pulumi.CustomResource("a:b:C", "made", {}) and None,
    "RegisterResourceOutputs": lambda: Group() and None,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(ending, "PROBE_SECONDS", 0.001)
    yield
    asyncio.set_event_loop(asyncio.new_event_loop())


@pytest.mark.parametrize("error", [CLOSING, SHUT_DOWN, REFUSED, CANCELLED], ids=lambda error: error.details()[:20])
@pytest.mark.parametrize("method", PROGRAMS)
def test_a_call_that_the_engines_end_interrupts_ends_the_program_silently(run, method, error, capfd):
    with pytest.raises(SystemExit) as ended:
        run(PROGRAMS[method], Monitor(method, error, alive=False))
    assert ended.value.code == ending.SHOWN
    shown = capfd.readouterr()
    assert not shown.out + shown.err


@pytest.mark.parametrize("method", PROGRAMS)
def test_a_plugin_that_crashed_is_reported_while_the_engine_goes_on(run, method):
    monitor = Monitor(method, CRASHED, alive=True)
    with pytest.raises(Exception, match="error reading from server: EOF") as failed:
        run(PROGRAMS[method], monitor)
    assert not isinstance(failed.value, ending.EngineEnded) and monitor.probes >= ending.PROBES


def test_a_log_message_after_the_engines_end_is_no_failure(monkeypatch):
    engine.prepare()

    class Deaf:
        def Log(self, request):
            raise REFUSED

    monkeypatch.setattr(log, "get_engine", Deaf)
    log.error("too late")
    monkeypatch.setattr(log, "get_engine", lambda: type("Broken", (), {"Log": Monitor("Log", CRASHED, True)._fail})())
    with pytest.raises(grpc.RpcError):
        log.error("sent to an engine that is there")


@pytest.mark.parametrize(("error", "shown"), [("KeyboardInterrupt", False), ("ValueError", True)])
def test_a_program_that_the_engine_interrupts_ends_silently(error, shown):
    command = [sys.executable, "-c", f"from components import engine; engine.prepare(); raise {error}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and bool(done.stderr) is shown


# Waiting


def wait(*outputs):
    """Waits as the program does at its end, with these outputs pending."""

    async def go():
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        pending = [asyncio.ensure_future(each) for each in outputs]
        SETTINGS.outputs.update(pending)
        try:
            await waiting.wait_for_rpcs()
        finally:
            for each in pending:
                each.cancel()
            SETTINGS.outputs.clear()

    asyncio.run(asyncio.wait_for(go(), 10))


async def fail(error, seconds=0.0):
    await asyncio.sleep(seconds)
    raise error


def test_waiting_ends_with_the_first_failure_and_does_not_wait_for_the_rest():
    with pytest.raises(ValueError, match="first"):
        wait(asyncio.sleep(60), fail(ValueError("first"), 0.01), fail(ValueError("second"), 0.5))


def test_waiting_continues_after_a_failed_resource():
    engine.prepare()
    late = []

    async def work():
        await asyncio.sleep(0.05)
        late.append(1)

    wait(fail(failures.DependencyFailed("resource x failed to register")), work())
    assert late


def test_waiting_includes_outputs_that_are_added_later():
    async def more():
        SETTINGS.outputs.add(asyncio.ensure_future(fail(ValueError("a later one"))))

    with pytest.raises(ValueError, match="a later one"):
        wait(more(), asyncio.sleep(0.01), asyncio.sleep(60))


def test_waiting_raises_a_calls_failure_with_its_cause():
    async def go():
        calls = SETTINGS.rpc_manager
        calls.clear()
        SETTINGS.outputs.clear()
        await calls.do_rpc("invoke", lambda: fail(ValueError("of the call")))()
        await waiting.wait_for_rpcs()

    with pytest.raises(ValueError, match="of the call"):
        asyncio.run(asyncio.wait_for(go(), 10))
    SETTINGS.rpc_manager.clear()


def test_waiting_adds_one_callback_for_each_output(monkeypatch):
    """The SDK's own loop adds all callbacks again whenever an output ends: about 45,000 for 300 outputs."""
    added = []

    class Counted(asyncio.Task):
        def add_done_callback(self, function, *, context=None):
            added.append(function)
            super().add_done_callback(function, context=context)

    async def go():
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        loop = asyncio.get_running_loop()
        for number in range(300):
            SETTINGS.outputs.add(Counted(asyncio.sleep(number / 3000), loop=loop))
        added.clear()
        await waiting.wait_for_rpcs()

    asyncio.run(asyncio.wait_for(go(), 30))
    assert len(added) == 300


# The rest, and the guard


def test_positions_are_those_that_the_sdk_would_send(run, monkeypatch):
    stock = from_source(resource, "_get_stack_trace")
    seen = []

    def both():
        ours = positions.stack_trace()
        seen.append((ours, stock()))
        return ours

    monkeypatch.setattr(resource, "_get_stack_trace", both)
    run(lambda: (Group(), None)[1], mocks.MockMonitor(Engine()))
    assert seen and all(ours == theirs for ours, theirs in seen)
    assert any(ours.frames[0].pc.uri.endswith("test_sdk.py") for ours, _ in seen if ours.frames)


def from_source(module, name):
    """The SDK's own function, compiled from its source, because the one in the module may be replaced."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    names = dict(vars(module))
    start = source.index(f"def {name}(")
    exec(compile(source[start : source.index("\ndef ", start)], module.__file__, "exec"), names)
    return names[name]


CHECK = """
from pulumi import log
from pulumi.runtime import resource, rpc, stack
def now():
    names = (log, "debug"), (resource, "_get_stack_trace"), (resource, "create_urn"), (stack, "wait_for_rpcs")
    more = (rpc, "contains_unknowns"), (rpc, "declare_dependency")
    return [getattr(owner, name) for owner, name in (*names, *more)]
stock = now()
from components.engine import cycles, guard, logs, positions, values, waiting
logs._wanted = lambda: {wanted}
if {other}:
    cycles.REPLACES = waiting.REPLACES = logs.REPLACES = positions.REPLACES = values.UNKNOWNS = values.URN = "0" * 64
for each in (logs, positions, waiting, values, cycles):
    each.install()
print([after is before for after, before in zip(now(), stock)])
"""


@pytest.mark.parametrize(
    ("other", "wanted", "stays"),
    [(False, False, [False] * 6), (False, True, [True] + [False] * 5), (True, False, [True] * 6)],
    ids=["the known SDK", "debug messages are wanted", "another SDK"],
)
def test_the_sdk_is_replaced_only_where_its_source_is_the_known_one(other, wanted, stays):
    command = [sys.executable, "-c", CHECK.format(other=other, wanted=wanted)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(stays)


VALUES = [
    "",
    "text",
    1,
    1.5,
    True,
    None,
    [],
    {},
    ["a"],
    {"a": [1]},
    pulumi.UNKNOWN,
    [pulumi.UNKNOWN],
    {"a": {"b": pulumi.UNKNOWN}},
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_unknowns_are_found_as_the_sdk_finds_them(value):
    engine.prepare()
    assert rpc.contains_unknowns(value) is from_source(rpc, "contains_unknowns")(value)


class Thing:
    """The part of a resource that the search for cycles reads."""


edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40)


@given(edges)
def test_cycles_are_found_as_the_sdk_finds_them(edges):
    ours, theirs = [Thing() for _ in range(8)], [Thing() for _ in range(8)]
    for start, end in edges:
        is_cycle = resource_cycle_breaker.declare_dependency(theirs[start], theirs[end])
        assert cycles.declare_dependency(ours[start], ours[end]) is is_cycle


def test_a_chain_of_thousands_of_resources_exceeds_no_recursion_limit():
    things = [Thing() for _ in range(5000)]
    for before, after in itertools.pairwise(things):
        assert cycles.declare_dependency(after, before)
    assert not cycles.declare_dependency(things[0], things[-1])


def urn(create, *arguments):
    async def go():
        return await create(*arguments).future()

    try:
        return asyncio.run(go())
    finally:
        SETTINGS.outputs.clear()


@pytest.mark.parametrize(
    "arguments",
    [
        ("name", "a:b:C", "urn:pulumi:dev::bedplate::a:b:Parent::parent"),
        ("name", "a:b:C", "urn:pulumi:dev::bedplate::a:b:Top$a:b:Parent::with::colons"),
        ("name", "a:b:C", ""),
        ("name", "a:b:C", None, "project", "stack"),
    ],
)
def test_urns_are_those_that_the_sdk_computes(arguments):
    engine.prepare()
    assert urn(resource.create_urn, *arguments) == urn(from_source(resource, "create_urn"), *arguments)


def test_a_function_without_a_source_is_not_replaced():
    assert not guard.is_source(len, "0" * 64)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("preview --debug", True),
        ("up -yd", True),
        ("up --debug=true --yes", True),
        ("preview --stack dev --diff", False),
        ("up --yes --skip-preview", False),
    ],
)
def test_debug_messages_are_sent_if_the_engine_runs_with_debug(arguments, wanted):
    assert logs.asks_for_debug(arguments.split()) is wanted


def test_debug_messages_are_sent_if_the_engines_options_are_unknown(monkeypatch):
    monkeypatch.setattr(logs, "_ancestors", lambda process: iter([["python"], ["make", "all"]]))
    assert logs._wanted()
    monkeypatch.setattr(logs, "_ancestors", lambda process: iter([["python"], ["/opt/bin/pulumi", "preview"]]))
    assert not logs._wanted()
    monkeypatch.setenv(logs.OPTION, "true")
    assert logs._wanted()


def test_the_ancestors_of_a_process_are_read_from_the_system():
    assert sys.platform != "linux" or next(logs._ancestors(os.getpid()))[0]
