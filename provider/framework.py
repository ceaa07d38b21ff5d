"""The one place that touches the SDK's provider framework, which is marked experimental.

A resource here is a class with plain dicts in and out. The framework's property values, secrets and unknowns
end in this module.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental import server
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from provider import parent

VERSION = "0.1.0"
_SENTINEL = rpc.UNKNOWN

Values = dict[str, Any]
Progress = Callable[[str], None]


class Unknown:
    """Stands for a value that only the update will know."""

    def __repr__(self) -> str:
        return "<known after up>"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class InputError:
    """An input that can't be used: which, and in one line what, why and what instead. Never its value."""

    property: str
    reason: str


class UserError(Exception):
    """What a user can do something about; shown with no traceback."""


class NativeResource(Protocol):
    """A resource type: pure checks and differences, and the acts that make it so."""

    token: str
    secrets: frozenset[str]
    """Outputs that are encrypted in the state."""
    replaces: frozenset[str]
    """Inputs whose change forces replacement."""
    ignored_in_diff: frozenset[str]
    """Inputs ignored when computing the diff."""

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        """before: the inputs that it was made with, where it is there already."""
        ...

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs as far as a plan can know them; UNKNOWN for the others. state: as they are, where there are some."""
        ...

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What a plan must say in words, because nobody would expect it of the values that change."""
        ...

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]: ...

    async def read(self, identity: str, state: Values) -> Values | None: ...

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values: ...

    async def delete(self, identity: str, state: Values, say: Progress) -> None: ...


def plain(value: PropertyValue) -> Any:
    """A property value with neither its secrecy nor its dependencies."""
    held = value.value
    # An unknown arrives as the engine's sentinel, whatever its type would be.
    if isinstance(held, Computed) or held == _SENTINEL:
        return UNKNOWN
    if isinstance(held, Mapping):
        return {k: plain(v) for k, v in held.items()}
    if isinstance(held, (list, tuple)):
        return [plain(v) for v in held]
    return held


def _values(properties: Mapping[str, PropertyValue] | None) -> Values:
    return {k: plain(v) for k, v in (properties or {}).items()}


def _property(value: Any, secret: bool) -> PropertyValue:
    if isinstance(value, Unknown):
        return PropertyValue(_SENTINEL, is_secret=secret)
    if isinstance(value, Mapping):
        return PropertyValue({k: _property(v, False) for k, v in value.items()}, is_secret=secret)
    if isinstance(value, (list, tuple)):
        return PropertyValue([_property(v, False) for v in value], is_secret=secret)
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return PropertyValue(value, is_secret=secret)


class Native(sdk.Provider):
    """Every resource of ours behind one plugin."""

    def __init__(self, resources: Mapping[str, NativeResource]) -> None:
        self._resources = resources

    def _of(self, request: Any) -> NativeResource:
        # The type of a URN names its parents' types first.
        token = request.type.rsplit("$", 1)[-1]
        try:
            return self._resources[token]
        except KeyError:
            raise UserError(f"{token} is not a resource of this provider") from None

    def _out(self, resource: NativeResource, values: Values) -> dict[str, PropertyValue]:
        return {k: _property(v, k in resource.secrets) for k, v in values.items()}

    def _describe_change(self, resource: NativeResource, request: Any, inputs: Values, state: Values | None) -> None:
        if told := resource.describe_change(inputs, state):
            _say(request)(told)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        resource = self._of(request)
        # The engine prints the value of a property that a failure names, secret or not.
        failures = [
            sdk.CheckFailure("", f"{w.property} {w.reason}")
            if w.property in resource.secrets
            else sdk.CheckFailure(w.property, w.reason)
            for w in resource.check(_values(request.new_inputs), _values(request.old_inputs) or None)
        ]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures or None)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        resource = self._of(request)
        old, new = _values(request.old_state), _values(request.new_inputs)
        changed = sorted(
            k
            for k, v in new.items()
            if k not in request.ignore_changes
            and k not in resource.ignored_in_diff
            and (isinstance(v, Unknown) or old.get(k) != v)
        )
        replaced = [k for k in changed if k in resource.replaces]
        return sdk.DiffResponse(changes=bool(changed), replaces=replaced, diffs=changed)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        resource, inputs = self._of(request), _values(request.properties)
        if request.preview:
            self._describe_change(resource, request, inputs, None)
            return sdk.CreateResponse(resource_id="", properties=self._out(resource, resource.plan(inputs)))
        identity, outputs = await resource.create(inputs, _say(request))
        return sdk.CreateResponse(resource_id=identity, properties=self._out(resource, outputs))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        resource, before = self._of(request), _values(request.properties)
        state = await resource.read(request.resource_id, before)
        if state is None:
            return sdk.ReadResponse(resource_id="", properties={}, inputs={})
        outputs = self._out(resource, state)
        # What was found other than it was declared must be among the inputs: the engine shows the drift of those.
        drifted = {k: outputs[k] for k in request.inputs if k in state and state[k] != before.get(k)}
        return sdk.ReadResponse(
            resource_id=request.resource_id, properties=outputs, inputs={**request.inputs, **drifted}
        )

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        resource, inputs = self._of(request), _values(request.news)
        if request.preview:
            state = _values(request.olds)
            self._describe_change(resource, request, inputs, state)
            planned = resource.plan(inputs, state)
            return sdk.UpdateResponse(properties=self._out(resource, planned))
        outputs = await resource.update(request.resource_id, _values(request.olds), inputs, _say(request))
        return sdk.UpdateResponse(properties=self._out(resource, outputs))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        await self._of(request).delete(request.resource_id, _values(request.properties), _say(request))


def _say(request: Any) -> Progress:
    """Lines beside the resource, in a plan and in an update. The engine keeps a plugin's stderr to itself."""
    # The engine's address is the first argument that is no option.
    address = next((arg for arg in sys.argv[1:] if not arg.startswith("-")), None)
    if address is None:
        return lambda text: print(f"{request.name}: {text}", file=sys.stderr, flush=True)

    def say(text: str) -> None:
        try:
            with grpc.insecure_channel(address) as channel:
                line = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=request.urn)
                engine_pb2_grpc.EngineStub(channel).Log(line, timeout=5)
        except grpc.RpcError:
            # What is done is worth more than what is said of it.
            print(f"{request.name}: {text}", file=sys.stderr, flush=True)

    return say


class _Servicer(server.ProviderServicer):
    """The framework's servicer, which would dress what a person can mend as a crash of ours."""


def _told_plainly(method: str) -> Any:
    async def call(self: _Servicer, request: Any, context: Any) -> Any:
        try:
            return await getattr(_ORIGINAL, method)(self, request, context)
        except UserError as failed:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(failed))

    return call


for _method in ("Check", "Diff", "Create", "Read", "Update", "Delete"):
    setattr(_Servicer, _method, _told_plainly(_method))
# The framework makes its servicer by this name, and has no other way in.
_ORIGINAL, server.ProviderServicer = server.ProviderServicer, _Servicer  # type: ignore[misc]


def serve(resources: Mapping[str, NativeResource]) -> None:
    """Runs the plugin until the engine ends it, or ends itself."""
    parent.watch()
    server.main(sys.argv[1:], VERSION, Native(resources))


# Every wait holds a thread while it sleeps. With asyncio's own few, those of late machines would keep the one
# that they wait for from ever being asked.
_WAITS = ThreadPoolExecutor(max_workers=1024, thread_name_prefix="wait")


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Blocking work beside the plugin's other requests."""
    return await asyncio.get_running_loop().run_in_executor(_WAITS, function, *args)
