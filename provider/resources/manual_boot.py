"""A machine with no BMC: what a person must do, in the plan and once for each permit."""

from typing import Any

from provider.framework import InputError, Progress, Unknown, Values


class ManualBoot:
    """Remembers for which generation, and for which hardware, a person was told to boot a machine.

    It waits for nothing: whether the machine came up is seen where its Talos API is asked.
    """

    token = "bedplate-native:metal:ByHand"
    secrets: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    # A newer image is no reason to go to a machine that runs.
    ignored_in_diff = frozenset({"steps"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = []
        steps: Any = inputs.get("steps")
        if not isinstance(steps, Unknown) and not (
            isinstance(steps, list) and steps and all(isinstance(step, str) for step in steps)
        ):
            wrong.append(InputError("steps", "are no texts; a person reads them in the plan; write one or more"))
        generation: Any = inputs.get("generation")
        if not isinstance(generation, Unknown) and not (isinstance(generation, (int, float)) and generation >= 0):
            wrong.append(
                InputError(
                    "generation", "is not a whole number from 0; the machine is booted once for each; write e.g. 1"
                )
            )
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return dict(inputs)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        return _told(inputs, state)

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return "by-hand", await self.update("by-hand", {}, inputs, say)

    async def read(self, identity: str, state: Values) -> Values | None:
        return state

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if told := _told(inputs, state):
            say(told)
        return dict(inputs)

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        return None


def _told(inputs: Values, state: Values | None) -> str | None:
    """The steps, a line each, where there is something to do."""
    before = state or {}
    generation, steps = inputs.get("generation"), inputs.get("steps")
    if isinstance(generation, Unknown) or not isinstance(steps, list):
        return None
    other = inputs.get("hardware") != before.get("hardware")
    if not generation or (generation <= before.get("generation", 0) and not other):
        return None
    return "\n".join(
        [
            f"by hand, unless it is done already, for generation {generation:.0f}:",
            *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        ]
    )
