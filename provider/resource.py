"""The base of our resource types: what follows from a contract, so that a type adds only what is its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from core.native import Contract, InputError, Values
from core.native.types import KUBECONFIG

from .kubeapi import kubeconfig_fault
from .progress import Progress


class Resource(ABC):
    """A resource type that only records its inputs. A type overrides what it does beyond that."""

    contract: Contract

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        """Every input that is refused: by the contract, and by the type's own checks.

        before: the inputs of the last update, if the resource exists.
        """
        return [*self.contract.errors(inputs), *self._kubeconfigs(inputs), *self.own_errors(inputs, before)]

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """The checks that the contract can't express."""
        return ()

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs as far as a plan knows them: each name to its value, or to UNKNOWN."""
        return self.contract.planned(inputs, state)

    def outdated(self, inputs: Values, state: Values) -> list[str]:
        """The outputs that an update must make anew although no input changed."""
        return []

    def equal_inputs(self, inputs: Values, state: Values) -> frozenset[str]:
        """The names of inputs whose values differ from the state's without a change of what they say."""
        return frozenset()

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What a plan shows beside the resource, in one or more lines; None if the values that change say enough."""
        return None

    @abstractmethod
    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """The new resource's id and its outputs, by name."""

    async def read(self, identity: str, state: Values) -> Values | None:
        """The outputs by name, as recorded: an `up` has to work while machines are down."""
        return state

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """The outputs by name after the update: by default the inputs are recorded, and nothing is done."""
        return dict(inputs)

    # B027: most types have nothing to do here, so this is a default and not a method that was forgotten.
    async def delete(self, identity: str, state: Values, say: Progress) -> None:  # noqa: B027
        """Forget the record; nothing is done to a machine."""

    def _kubeconfigs(self, inputs: Values) -> list[InputError]:
        """The texts that the contract accepts as kubeconfigs, and that can't be parsed."""
        named = [name for name, each in self.contract.inputs.items() if each.type is KUBECONFIG]
        return [
            InputError(name, fault)
            for name in named
            if isinstance(value := inputs.get(name), str) and value and (fault := kubeconfig_fault(value))
        ]
