"""Steps between two releases: each is compared with what runs at the moment when it is taken."""

import re
from collections.abc import Iterator

from core.facts.versions import CDI, CILIUM, KUBEVIRT, TALOS, Minor, minor, span, spell
from core.native import InputError, Values

# Input of the change guard to the key of the stack file and the project's name, in the order of their changes.
VERSIONS = {
    "kubernetes": ("talos.kubernetes", "Kubernetes"),
    "talos": ("talos.version", "Talos"),
    "cilium": ("cilium.version", "Cilium"),
    "kubevirt": ("kubevirt.version", "KubeVirt"),
    "cdi": ("cdi.version", "CDI"),
}
_TABLES = {"talos": TALOS, "cilium": CILIUM, "kubevirt": KUBEVIRT, "cdi": CDI}


def refused(inputs: Values, before: Values) -> Iterator[InputError]:
    """Each version that goes back or skips a minor, and each that another one does not support meanwhile."""
    wrong = set()
    for name in VERSIONS:
        for error in _step(name, inputs, before):
            wrong.add(name)
            yield error
    if "kubernetes" not in wrong and (new := _moved("kubernetes", inputs, before)):
        for name in (each for each in _TABLES if each not in wrong):
            yield from _meanwhile(name, new, inputs, before)


def described(inputs: Values, before: Values) -> str | None:
    """The order in which several versions change, as a plan shows it; None if fewer than two change."""
    how = {
        "kubernetes": "with the machines' configs, one control plane after the other, then the workers",
        "talos": "after all configs, one machine after the other",
        "cilium": "once the Kubernetes API answers, while the machines change",
        "kubevirt": "after Cilium",
        "cdi": "after Cilium",
    }
    steps = [
        f"{VERSIONS[name][1]} {before[name]} -> {inputs[name]} ({how[name]})"
        for name in VERSIONS
        if _text(inputs, name) and _text(before, name) and inputs[name] != before[name]
    ]
    return "changes in this order: " + "; ".join(steps) if len(steps) > 1 else None


def _text(values: Values, name: str) -> str:
    """A version that is known and declared; otherwise empty."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _moved(name: str, inputs: Values, before: Values) -> Minor | None:
    """The new minor, if it is another one than before."""
    was, now = _text(before, name), _text(inputs, name)
    return minor(now) if was and now and minor(was) != minor(now) else None


def _step(name: str, inputs: Values, before: Values) -> Iterator[InputError]:
    was, now = _text(before, name), _text(inputs, name)
    if not was or not now:
        return
    key, old, new = VERSIONS[name][0], _numbers(was), _numbers(now)
    if new < old:
        yield InputError(
            name,
            f"{key} goes from {was} back to {now}; the older version may not read what the newer one wrote; "
            f"write {was} or a newer one",
        )
    elif new[:2] > (old[0], old[1] + 1):
        sign = "v" if was.startswith("v") else ""
        yield InputError(
            name,
            f"{key} goes from {was} to {now} and skips a minor version; each minor version migrates data only "
            f"from the one before; write the last of {sign}{old[0]}.{old[1] + 1} first",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _meanwhile(name: str, new: Minor, inputs: Values, before: Values) -> Iterator[InputError]:
    """Whether a project supports both Kubernetes minors of the step, with the release that runs at that moment.

    Configs, which upgrade Kubernetes, come before upgrades of Talos. Cilium, KubeVirt and CDI change at about the
    same time as Kubernetes, so that each of their two releases meets the other's Kubernetes.
    """
    was, now, table = _text(before, name), _text(inputs, name), _TABLES[name]
    if not was or not now or minor(was) == minor(now) or not {minor(was), minor(now)} <= table.keys():
        return  # Two releases of one minor: the model compares the new one with the new Kubernetes.
    old, project = minor(_text(before, "kubernetes")), VERSIONS[name][1]
    first, last = table[minor(was)]
    becomes = inputs["kubernetes"]
    runs = f"{project} {was} still runs when Kubernetes becomes {becomes}, and supports {span((first, last))}"
    stays = f"keep talos.kubernetes at {before['kubernetes']} in this up, and raise it in the next"
    if not first <= new <= last:
        supports_old = table[minor(now)][0] <= old <= table[minor(now)][1]
        remedy = stays if supports_old else _between(name, was, now, old, new)
        yield InputError("kubernetes", f"{runs}; its programs could stop on the first machine; {remedy}")
    elif name != "talos" and not table[minor(now)][0] <= old <= table[minor(now)][1]:
        key = VERSIONS[name][0]
        yield InputError(
            name,
            f"{project} {now} may start before Kubernetes has become {inputs['kubernetes']}, and supports "
            f"{span(table[minor(now)])}; it could fail with {before['kubernetes']}; keep {key} at {was} in this up, "
            "and raise it in the next",
        )


def _between(name: str, was: str, now: str, old: Minor, new: Minor) -> str:
    key = VERSIONS[name][0]
    both = [each for each, (first, last) in _TABLES[name].items() if first <= old and new <= last]
    if not both:
        return f"no release supports both: write a Kubernetes between {spell(old)} and {spell(new)} first"
    return f"write {key}: a release of {', '.join(map(spell, both))} first, which supports both, and run up"
