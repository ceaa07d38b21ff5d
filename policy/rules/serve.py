"""Turns the rules into the SDK's policies, and decodes each resource once for all of them.

The SDK decodes a resource again for every policy. At 0.3 ms each, a hundred rules
would take minutes for a thousand machines. `decode_once` caches the decoded inputs.
If a later SDK has other internals, nothing is patched: the pack is slower, and credentials-are-marked-secret
judges nothing, because the SDK itself doesn't pass the marks on. tests/policy/test_serve.py fails then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value
from pulumi_policy import EnforcementLevel as Level
from pulumi_policy import (
    PolicyComplianceFramework,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy import policy as sdk

from core.facts.secrets import SECRET, SIGNATURE

from .field import is_unknown
from .rule import Inputs, Options, Resource, Rule

LEVELS = {"mandatory": Level.MANDATORY, "advisory": Level.ADVISORY, "opt-in": Level.DISABLED}
OTHER_KIND = "a resource of another kind"
LEFT_OUT = "excluded from this update by --target"


def policies(rules: Iterable[Rule]) -> list[ResourceValidationPolicy]:
    """The SDK's policies for these rules, in their order."""
    return [policy(rule) for rule in rules]


def policy(rule: Rule) -> ResourceValidationPolicy:
    """The SDK's policy for one rule."""
    applies = lru_cache(maxsize=None)(rule.applies)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not applies(args.resource_type):
            # Reported, so that "passed" only counts resources that were judged.
            args.not_applicable(OTHER_KIND)
        judged = resource(args)
        if not rule.can_judge(judged):
            args.not_applicable(LEFT_OUT)
        for complaint in rule.complaints(judged):
            report(complaint, None)

    cis = [control.removeprefix("CIS ") for control in rule.controls if control.startswith("CIS ")]
    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.why,
        validate=validate,
        enforcement_level=LEVELS[rule.level],
        severity=Severity(rule.severity),
        framework=PolicyComplianceFramework("CIS Kubernetes Benchmark", "1.12", ",".join(cis)) if cis else None,
        tags=list(rule.controls),
        remediation_steps=rule.remedy,
    )


def resource(args: ResourceValidationArgs) -> Resource:
    """The resource as rules see it: the same object for all rules, so that they share cached properties."""
    if isinstance(args.props, Once):
        if args.props.resource is None:
            args.props.resource = _resource(args, args.props)
        return args.props.resource
    return _resource(args, _plain(args.props))


def _resource(args: ResourceValidationArgs, props: Mapping[str, Any]) -> Resource:
    options = Options(
        protect=bool(args.opts.protect),
        ignore_changes=tuple(args.opts.ignore_changes),
        provider=args.provider.name if args.provider else None,
    )
    return Resource(type=args.resource_type, name=args.name, props=props, options=options)


def _plain(value: Any) -> Any:
    """The data behind the SDK's proxies, which raise on unknown values and are neither dict nor list."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in _behind_proxy(value, dict).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in _behind_proxy(value, list)]
    return value


def _behind_proxy(value: Any, kind: type) -> Any:
    return value if type(value) is kind else value["__target"]


class Once(Inputs):
    """The inputs in one message of the engine, decoded at most once and shared by all rules."""

    def __init__(self, message: Struct) -> None:
        super().__init__(lambda: decode(message))
        self.message = message
        self.resource: Resource | None = None


def decode(message: Struct) -> tuple[dict[str, Any], frozenset[str]]:
    """The inputs of a message: name to plain value, and the names of those that are wholly secret or unknown."""
    fields = {name: _value(value) for name, value in message.fields.items()}
    return {name: value for name, (value, _) in fields.items()}, frozenset(
        name for name, (_, hidden) in fields.items() if hidden
    )


def _value(value: Value) -> tuple[Any, bool]:
    """The value, and whether all of it is secret or unknown."""
    match value.WhichOneof("kind"):
        case "struct_value":
            fields = value.struct_value.fields
            if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
                return _value(fields["value"])[0], True
            parts = {name: _value(part) for name, part in fields.items()}
            return {name: part for name, (part, _) in parts.items()}, _all_hidden(parts.values())
        case "list_value":
            items = [_value(item) for item in value.list_value.values]
            return [item for item, _ in items], _all_hidden(items)
        case "string_value":
            return value.string_value, is_unknown(value.string_value)
        case "number_value":
            return value.number_value, False
        case "bool_value":
            return value.bool_value, False
        case _:
            return None, True


def _all_hidden(parts: Iterable[tuple[Any, bool]]) -> bool:
    return all(hidden for _, hidden in parts)


_current = threading.local()


def decode_once() -> bool:
    """Patches the SDK to decode each resource once; False, and nothing patched, if its internals differ."""
    names = ("_PolicyAnalyzerServicer", "json_format", "deserialize_properties", "unknown_checking_proxy")
    if not all(hasattr(sdk, name) for name in names) or isinstance(vars(sdk)["json_format"], _Lazy):
        return False

    class Servicer(sdk._PolicyAnalyzerServicer):
        def Analyze(self, request: Any, context: Any) -> Any:
            _current.seen = []
            try:
                return super().Analyze(request, context)  # type: ignore[no-untyped-call]  # the SDK has no types here
            finally:
                _current.seen = None

    internals = vars(sdk)  # names that the SDK does not export, so that the type checker can't see them
    internals["_PolicyAnalyzerServicer"] = Servicer
    internals["json_format"] = _Lazy(internals["json_format"])
    for name in ("deserialize_properties", "unknown_checking_proxy"):
        internals[name] = _unless_once(internals[name])
    return True


class _Lazy:
    """Stands in for json_format: inside Analyze, a message stays encoded until a rule reads it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def MessageToDict(self, message: Any, *args: Any, **kwargs: Any) -> Any:
        """The message as `Once` inside Analyze, and as a dict of its fields elsewhere."""
        seen: list[Once] | None = getattr(_current, "seen", None)
        if seen is None:
            return self._real.MessageToDict(message, *args, **kwargs)
        for once in seen:  # the resource and its provider: two at most
            if once.message is message:
                return once
        seen.append(Once(message))
        return seen[-1]


def _unless_once(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda value, *args: value if isinstance(value, Once) else real(value, *args)
