"""What a contract says of a resource type, and the checks, plans and lists that follow from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .types import Type
from .values import UNKNOWN, InputError, Unknown, Values


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a resource type."""

    type: Type
    doc: str
    """What it is for, in one sentence."""
    why: str
    """Why another value is refused: the second part of the message."""
    instead: str
    """What to write: the last part of the message."""
    required: bool = True
    secret: bool = False
    """Whether it is registered as a secret, and encrypted in the state."""
    replaces: bool = False
    """Whether its change forces replacement."""
    ignored_in_diff: bool = False
    """Whether its change alone is not a change of the resource."""

    def reason(self, value: object) -> str:
        """The whole message about a value that is missing or not valid; it never contains the value."""
        if self.type.explain and (message := self.type.explain(value)):
            return message
        what = "is missing" if value is None or value == "" else f"is not {self.type.noun}"
        return f"{what}; {self.why}; {self.instead}"


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output that is not an input too."""

    type: Type
    doc: str
    """What it reports, in one sentence."""
    secret: bool = False
    kept: bool = False
    """Whether a plan may take its value from the state, because an update leaves it as it is."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A resource type of our own. Every input is also an output."""

    token: str
    """Its type in programs and states, such as bedplate-native:talos:Bootstrap."""
    doc: str
    """What a resource of this type does, in one sentence."""
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    """Only what is not an input."""

    @cached_property
    def secret_inputs(self) -> tuple[str, ...]:
        """The inputs that are registered as secrets, in the contract's order."""
        return tuple(name for name, each in self.inputs.items() if each.secret)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The outputs that are encrypted in the state: secret inputs, then secret outputs."""
        return (*self.secret_inputs, *(name for name, each in self.outputs.items() if each.secret))

    @cached_property
    def replaces(self) -> frozenset[str]:
        """The inputs whose change forces replacement."""
        return frozenset(name for name, each in self.inputs.items() if each.replaces)

    @cached_property
    def ignored_in_diff(self) -> frozenset[str]:
        """The inputs that are ignored when the diff is computed."""
        return frozenset(name for name, each in self.inputs.items() if each.ignored_in_diff)

    def errors(self, values: Mapping[str, object]) -> list[InputError]:
        """Every missing, undeclared or wrongly typed input. UNKNOWN is accepted for each."""
        return [*self._wrong(values), *self._undeclared(values)]

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """The outputs that a plan shows: each name to its value.

        Inputs as they are, kept outputs as in the state, and UNKNOWN for the others.
        """
        before = state or {}
        return {
            **inputs,
            **{name: before.get(name, UNKNOWN) if each.kept else UNKNOWN for name, each in self.outputs.items()},
        }

    def _wrong(self, values: Mapping[str, object]) -> Iterator[InputError]:
        for name, declared in self.inputs.items():
            value = values.get(name)
            if isinstance(value, Unknown) or (value is None and not declared.required):
                continue
            if value is None or not declared.type.valid(value):
                yield InputError(name, declared.reason(value))

    def _undeclared(self, values: Mapping[str, object]) -> Iterator[InputError]:
        for name in sorted({name for name, value in values.items() if value is not None} - set(self.inputs)):
            yield InputError(
                name,
                f"is not an input of {self.token}; its provider would silently ignore it; "
                f"remove it, or use one of {', '.join(self.inputs)}",
            )
