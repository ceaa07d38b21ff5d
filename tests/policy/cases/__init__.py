"""For each rule, changes that it must object to."""

from tests.policy.cases import access, cilium, flags, hygiene, kernel, kubevirt, machines, objects, pods, talos
from tests.policy.support import Case

CASES: tuple[Case, ...] = (
    *talos.CASES,
    *flags.CASES,
    *kernel.CASES,
    *objects.CASES,
    *pods.CASES,
    *access.CASES,
    *cilium.CASES,
    *kubevirt.CASES,
    *machines.CASES,
    *hygiene.CASES,
)
