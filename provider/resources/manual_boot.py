"""A machine without a BMC: the plan shows what a person must do, once for each generation."""

from core.native import Unknown, Values
from core.native.metal import MANUAL_BOOT
from provider.progress import Progress
from provider.resource import Resource


class ManualBoot(Resource):
    """Records for which generation, and for which hardware, the steps were shown.

    It waits for nothing: the machine's Identity waits until its Talos API answers.
    """

    contract = MANUAL_BOOT

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """The steps, if the machine has to be booted."""
        return _instructions(inputs, state)

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Show the steps. Returns a constant id, and the outputs by name."""
        return "by-hand", await self.update("by-hand", {}, inputs, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Show the steps, if the machine has to be booted. Returns the outputs by name."""
        for line in (_instructions(inputs, state) or "").splitlines():
            say(line)
        return dict(inputs)


def _instructions(inputs: Values, state: Values | None) -> str | None:
    """The steps, one on each line; None if there is nothing to do."""
    before = state or {}
    generation, steps = inputs.get("generation"), inputs.get("steps")
    if isinstance(generation, Unknown) or not isinstance(steps, list):
        return None
    replaced = inputs.get("hardware") != before.get("hardware")
    if not generation or (generation <= before.get("generation", 0) and not replaced):
        return None
    return "\n".join(
        [
            f"boot it by hand, unless that is already done for install.generation {generation:.0f}:",
            *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        ]
    )
