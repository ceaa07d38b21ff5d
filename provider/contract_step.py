"""Another contract for a running platform: which changes a plan refuses, and what an accepted one does.

Each machine gets a config of another form, in its turn. The secrets in it stay the same (core/machineconfig/pki.py).
"""

from collections.abc import Iterator, Mapping

from core.facts.contracts import skipped
from core.facts.versions import Minor, minor, spell
from core.native import InputError, Values


def refused(inputs: Values, before: Values) -> Iterator[InputError]:
    """Why the contract may not change so: back, by more than one, before its Talos runs, or with another network."""
    step = _step(inputs, before)
    if step is None:
        return
    was, now = step
    if now < was:
        yield InputError(
            "contract",
            f"talos.contract goes from v{spell(was)} back to v{spell(now)}; machines would lose what only the newer "
            f"contract can set; write v{spell(was)}",
        )
    elif skips := skipped(was, now):
        yield InputError("contract", skips)
    elif (runs := before.get("talos")) and minor(str(runs)) < now:
        yield InputError(
            "contract",
            f"v{spell(now)} is newer than Talos {runs}, which the machines run; configs are sent before Talos is "
            f"upgraded, and it refuses documents that it does not know; write v{spell(was)}, run up, then change "
            "talos.contract",
        )
    elif moved := _moved(inputs, before):
        yield InputError(
            "contract",
            f"talos.contract changes together with the network's {' and '.join(moved)}; the new form of the configs "
            "must not change what the cluster was created with, and if the update fails, either could be the cause; "
            "change one, run up, then change the other",
        )


def _moved(inputs: Values, before: Values) -> list[str]:
    """The parts of the cluster's network, its issuer of tokens among them, that differ from the last update's."""
    was, now = before.get("network"), inputs.get("network")
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return []  # A state of an earlier release records none.
    return sorted(name for name, value in was.items() if now.get(name) != value)


def described(inputs: Values, before: Values) -> str | None:
    """What a plan shows beside the guard; None if the contract stays."""
    step = _step(inputs, before)
    if step is None:
        return None
    return (
        f"contract v{spell(step[0])} -> v{spell(step[1])}: each machine gets a config of the new form, control planes "
        "one after the other; a machine that reboots for it is drained first; keys and the issuer of tokens stay"
    )


def _step(inputs: Values, before: Values) -> tuple[Minor, Minor] | None:
    """The contract of the last update and the declared one; None if they are equal, or one is not known."""
    was, now = before.get("contract"), inputs.get("contract")
    if not isinstance(was, str) or not isinstance(now, str) or minor(was) == minor(now):
        return None
    return minor(was), minor(now)
