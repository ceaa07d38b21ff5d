"""The one place that touches the SDK's provider framework, which is marked experimental.

A resource type here is an object with plain dicts in and out. The framework's property values, secrets and unknowns
do not leave this module.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import grpc
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental import server
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc

from core.facts.release import VERSION
from core.native import UNKNOWN, Contract, InputError, Unknown, Values
from core.printable import LINE_CHARACTERS, printable, printable_lines
from provider import parent
from provider.progress import Progress, say, show

_SENTINEL = rpc.UNKNOWN

T = TypeVar("T")


class UserError(Exception):
    """A failure that the user can do something about: where, what, why and what to do, with no traceback.

    Its text is one printable line, whatever a machine's answer that it quotes contains.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text, LINE_CHARACTERS))


class NativeResource(Protocol):
    """A resource type: pure checks and plans, and the acts that carry out an update."""

    contract: Contract

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        """Every input that is refused. before: the inputs of the last update, if the resource exists."""
        ...

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs as far as a plan knows them: each name to its value, or to UNKNOWN."""
        ...

    def outdated(self, inputs: Values, state: Values) -> list[str]:
        """The outputs that an update must make again although no input changed."""
        ...

    def equal_inputs(self, inputs: Values, state: Values) -> frozenset[str]:
        """The names of inputs whose values differ from the state's without a change of what they say."""
        ...

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What a plan shows beside the resource, in one or more lines; None if the values that change say enough."""
        ...

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """The new resource's id and its outputs, by name."""
        ...

    async def read(self, identity: str, state: Values) -> Values | None:
        """The outputs as they are now, by name; None if the resource does not exist any more."""
        ...

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """The outputs after the update, by name."""
        ...

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        """Delete the resource."""
        ...


def plain(value: PropertyValue) -> Any:
    """A property value without its secrecy and its dependencies; UNKNOWN for one that only the update knows."""
    held = value.value
    # An unknown arrives as the engine's sentinel, whatever its type will be.
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


class NativeProvider(sdk.Provider):
    """The plugin: it passes each request to the resource type that the request names."""

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
        return {k: _property(v, k in resource.contract.secrets) for k, v in values.items()}

    def _describe_change(self, resource: NativeResource, request: Any, inputs: Values, state: Values | None) -> None:
        if description := resource.describe_change(inputs, state):
            show(request, printable_lines(description))

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """The inputs as they are, and a failure for each that is refused."""
        resource = self._of(request)
        # In a thread, because a check may read files and wait for a server.
        errors = await in_thread(resource.check, _values(request.new_inputs), _values(request.old_inputs) or None)
        # The engine prints the value of a property that a failure names, even of a secret one.
        failures = [
            sdk.CheckFailure("", printable(f"{error.property} {error.reason}", LINE_CHARACTERS))
            if error.property in resource.contract.secrets
            else sdk.CheckFailure(error.property, printable(error.reason, LINE_CHARACTERS))
            for error in errors
        ]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures or None)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Which inputs changed, and which of them force replacement."""
        resource = self._of(request)
        old, new = _values(request.old_state), _values(request.new_inputs)
        changed = sorted(
            k
            for k, v in new.items()
            if k not in request.ignore_changes
            and k not in resource.contract.ignored_in_diff
            and (isinstance(v, Unknown) or old.get(k) != v)
        )
        if changed:
            equal = await in_thread(resource.equal_inputs, new, old)
            changed = [k for k in changed if k not in equal]
        replaced = [k for k in changed if k in resource.contract.replaces]
        changed += resource.outdated(new, old)
        return sdk.DiffResponse(changes=bool(changed), replaces=replaced, diffs=changed)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """The id and the outputs of a new resource; in a plan, the outputs that are known."""
        resource, inputs = self._of(request), _values(request.properties)
        if request.preview:
            self._describe_change(resource, request, inputs, None)
            return sdk.CreateResponse(resource_id="", properties=self._out(resource, resource.plan(inputs)))
        identity, outputs = await resource.create(inputs, say(request))
        return sdk.CreateResponse(resource_id=identity, properties=self._out(resource, outputs))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """The outputs of a resource that exists, and the inputs that differ from their declaration."""
        resource, before = self._of(request), _values(request.properties)
        state = await resource.read(request.resource_id, before)
        if state is None:
            return sdk.ReadResponse(resource_id="", properties={}, inputs={})
        outputs = self._out(resource, state)
        # The engine shows drift of inputs only, so what differs from its declaration is returned among them.
        drifted = {k: outputs[k] for k in request.inputs if k in state and state[k] != before.get(k)}
        return sdk.ReadResponse(
            resource_id=request.resource_id, properties=outputs, inputs={**request.inputs, **drifted}
        )

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """The outputs after the update; in a plan, the outputs that are known."""
        resource, inputs = self._of(request), _values(request.news)
        if request.preview:
            state = _values(request.olds)
            self._describe_change(resource, request, inputs, state)
            planned = resource.plan(inputs, state)
            return sdk.UpdateResponse(properties=self._out(resource, planned))
        outputs = await resource.update(request.resource_id, _values(request.olds), inputs, say(request))
        return sdk.UpdateResponse(properties=self._out(resource, outputs))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Delete a resource."""
        await self._of(request).delete(request.resource_id, _values(request.properties), say(request))


class _Servicer(server.ProviderServicer):
    """The framework's servicer reports a UserError as a crash of the plugin; this one reports its text alone."""


def _without_traceback(method: str) -> Any:
    async def call(self: _Servicer, request: Any, context: Any) -> Any:
        try:
            return await getattr(_ORIGINAL, method)(self, request, context)
        except UserError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            # A defect. Its text may quote an answer; the framework would show it as it is.
            print("".join(traceback.format_tb(error.__traceback__)), file=sys.stderr, flush=True)
            await context.abort(
                grpc.StatusCode.UNKNOWN, printable(f"unexpected {type(error).__name__}: {error}", LINE_CHARACTERS)
            )

    return call


for _method in ("Check", "Diff", "Create", "Read", "Update", "Delete"):
    setattr(_Servicer, _method, _without_traceback(_method))
# The framework constructs its servicer by this name, and offers no other hook.
_ORIGINAL, server.ProviderServicer = server.ProviderServicer, _Servicer  # type: ignore[misc]


def serve(resources: Mapping[str, NativeResource]) -> None:
    """Run the plugin until the engine ends it, or ends itself."""
    parent.watch()
    server.main(sys.argv[1:], VERSION, NativeProvider(resources))


# Every wait holds a thread while it sleeps. In asyncio's small default pool, the waits of many machines would leave no
# thread for the machine that they all wait for.
_WAITS = ThreadPoolExecutor(max_workers=1024, thread_name_prefix="wait")


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run blocking work while the plugin serves other requests; returns what the function returns."""
    return await asyncio.get_running_loop().run_in_executor(_WAITS, function, *args)
