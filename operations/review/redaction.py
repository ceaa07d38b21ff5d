"""A state without its secrets, from which a plan has the steps that it has from the real state.

Each secret gets a stand-in first. Where the program computes a secret from others, such as a machine's config, its
stand-in has to be what the program computes from stand-ins: so a plan is made from the stand-ins, and what the program
registers there replaces the first stand-in wherever the real plan says that the property does not change. No value
that a real secret was part of can come in this way, because that plan never saw one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.facts.secrets import SECRET, SIGNATURE
from core.state import unwrap_secret

from .stand_ins import StandIns, certificate_of

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_TRIGGER = "replacementTrigger"
_DELTA = "__pulumi_raw_state_delta"
# Where the code or the user of one computer would show.
_DROPPED = ("sourcePosition", "stackTrace", "created", "modified")
# A shorter text may be in a state by chance.
_TELLING_LENGTH = 12


@dataclass(frozen=True)
class Plan:
    """What a plan does."""

    steps: list[tuple[str, str]]
    """Operation and URN, sorted."""
    before: Mapping[str, str] = field(default_factory=dict)
    """URN to the one that the resource has in the state, which differs where the resource moved."""
    changed: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """URN to the properties that change, None where the plan does not tell; without those that stay the same."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """URN to what the program registered; only where it was recorded."""
    errors: tuple[str, ...] = ()
    """What failed in it."""
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """URN to what the resource would have after the plan; only where it was recorded."""


def plan_of(printed: Mapping[str, Any]) -> Plan:
    """The plan that `pulumi preview --json --show-sames` printed."""
    steps = printed.get("steps") or []
    changed: dict[str, frozenset[str] | None] = {}
    for step in steps:
        if step["op"] != "same":
            reasons = {*(step.get("diffReasons") or ()), *(step.get("detailedDiff") or ())}
            names = frozenset(reason.replace("[", ".").partition(".")[0] for reason in reasons)
            known = changed.get(step["urn"], frozenset())
            changed[step["urn"]] = None if not names or known is None else known | names
    before = {step["urn"]: (step.get("oldState") or {}).get("urn", step["urn"]) for step in steps}
    noted = printed.get("diagnostics") or ()
    errors = tuple(each["message"].strip() for each in noted if each.get("severity") == "error")
    return Plan(sorted((step["op"], step["urn"]) for step in steps), before, changed, errors=errors)


class Redaction:
    """One state on its way to a state without secrets."""

    def __init__(self, deployment: Mapping[str, Any]) -> None:
        self._real = {each["urn"]: each for each in deployment.get("resources") or []}
        self._stand_ins = StandIns(text for each in self._real.values() for text in _secret_texts(each))
        self._safe = {urn: self._first(each) for urn, each in self._real.items()}
        self._learned: dict[str, Any] = {}
        self._manifest = deployment.get("manifest")

    @property
    def deployment(self) -> dict[str, Any]:
        """The state as it is by now; its secrets are marked, and import encrypts them."""
        return {"manifest": self._manifest, "resources": list(self._safe.values()), "metadata": {}}

    def settle(self, real: Plan, recorded: Plan) -> None:
        """Take over from a plan without secrets what the real plan says does not change."""
        for urn, inputs in recorded.inputs.items():
            before = real.before.get(urn, urn)
            changed = real.changed.get(urn, frozenset())
            if before in self._real and changed is not None:
                self._settle_inputs(before, inputs, changed)
        for urn, safe in self._safe.items():
            self._settle_outputs(urn, safe)
        for urn, outputs in recorded.outputs.items():
            before = real.before.get(urn, urn)
            if before in self._real and urn not in real.changed:
                self._planned_outputs(before, outputs)

    def leaks(self, recorded: Plan) -> Iterator[str]:
        """Yield each resource and part of it in which a text of a real secret is left, as it is or as JSON has it.

        What the program registered without secrets is public, also where the state marks it as secret.
        """
        public = "\n".join(_texts(dict(recorded.inputs)))
        real = {text for each in self._real.values() for text in _secret_texts(each)}
        telling = [
            text
            for text in real
            if len(text) >= _TELLING_LENGTH and text not in public and certificate_of(text) is None
        ]
        for urn, safe in self._safe.items():
            for part, value in safe.items():
                left = "\n".join((*_texts(unwrap_secret(value)), *_keys(unwrap_secret(value))))
                if any(form in left for text in telling for form in (text, json.dumps(text)[1:-1])):
                    yield f"{urn.rpartition('::')[2]}: {part}"

    def _first(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        made = {key: value for key, value in resource.items() if key not in _DROPPED}
        made |= {side: self._hidden(made[side]) for side in ("inputs", "outputs") if side in made}
        if isinstance(trigger := made.get(_TRIGGER), str):
            made[_TRIGGER] = self._stand_ins.digest(trigger)
        return made

    def _hidden(self, value: Any) -> Any:
        if _is_secret(value):
            real = unwrap_secret(value)
            # The bridge notes in the delta where a value was null.
            return sealed(real if real == {"replace": {"raw": None}} else self._stand_ins.of(real))
        if isinstance(value, dict):
            return {key: self._hidden(part) for key, part in value.items()}
        return [self._hidden(part) for part in value] if isinstance(value, list) else value

    def _settle_inputs(self, urn: str, inputs: Mapping[str, Any], changed: frozenset[str]) -> None:
        real, safe = self._real[urn].get("inputs") or {}, self._safe[urn].setdefault("inputs", {})
        for name, value in inputs.items():
            if name in real and name not in changed and not _has_unknown(value):
                safe[name] = _marked(real[name], value)
                self._learn(unwrap_secret(real[name]), value)
        if not changed:
            self._learn(unwrap_secret(real), unwrap_secret(safe))

    def _learn(self, real: Any, safe: Any) -> None:
        self._learned[_canonical(real)] = safe
        if isinstance(real, dict) and isinstance(safe, dict):
            for key in real.keys() & safe.keys():
                self._learn(real[key], safe[key])

    def _settle_outputs(self, urn: str, safe: dict[str, Any]) -> None:
        real = self._real[urn].get("outputs")
        if isinstance(real, dict):
            outputs = safe.setdefault("outputs", {})
            for name, value in real.items():
                if name != _DELTA and _canonical(unwrap_secret(value)) in self._learned:
                    outputs[name] = _marked(value, self._learned[_canonical(unwrap_secret(value))])

    def _planned_outputs(self, urn: str, planned: Mapping[str, Any]) -> None:
        real, safe = self._real[urn].get("outputs"), self._safe[urn].get("outputs")
        if not isinstance(real, dict) or not isinstance(safe, dict):
            return
        for name, value in planned.items():
            known = name in real and _canonical(unwrap_secret(real[name])) in self._learned
            if name in real and not known and _has_secret(real[name]) and not _has_unknown(value):
                safe[name] = _marked(real[name], value)


def sealed(value: Any) -> dict[str, Any]:
    """A value marked as secret, in the envelope of `stack export --show-secrets`: its keys are mark and plaintext."""
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def _marked(real: Any, safe: Any) -> Any:
    """A value without secrets, secret where the real one is."""
    if _is_secret(real):
        return sealed(safe)
    if isinstance(real, dict) and isinstance(safe, dict):
        return {key: _marked(real.get(key), part) for key, part in safe.items()}
    if isinstance(real, list) and isinstance(safe, list) and len(real) == len(safe):
        return [_marked(one, other) for one, other in zip(real, safe, strict=True)]
    return safe


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_secret(value) or any(map(_has_secret, value.values()))
    return isinstance(value, list) and any(map(_has_secret, value))


def _has_unknown(value: Any) -> bool:
    return any(text == UNKNOWN for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(part)


def _secret_texts(value: Any) -> Iterator[str]:
    if _is_secret(value):
        yield from _texts(unwrap_secret(value))
    elif isinstance(value, dict):
        for part in value.values():
            yield from _secret_texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _secret_texts(part)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
