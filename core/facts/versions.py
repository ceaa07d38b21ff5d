"""Which releases were made for each other, as their projects publish it."""

from collections.abc import Iterator
from datetime import date

# What this release of Bedplate was proven with, offered where a version is missing.
CURRENT = {
    "contract": "v1.12",
    "talos": "v1.14.2",
    "kubernetes": "v1.35.4",
    "cilium": "1.19.6",
    "kubevirt": "v1.8.4",
}

Minor = tuple[int, int]

# Contracts that Bedplate renders: from v1.14 on documents replace fields of the one large config.
CONTRACTS: tuple[Minor, ...] = ((1, 12), (1, 13), (1, 14))
# The latest that the Talos plugin of requirements.txt generates the rest of a config for.
GENERATED: Minor = (1, 12)

# Talos minor -> first and last Kubernetes minor. Source: Talos documentation, support matrix.
TALOS: dict[Minor, tuple[Minor, Minor]] = {
    (1, 12): ((1, 30), (1, 35)),
    (1, 13): ((1, 31), (1, 36)),
    (1, 14): ((1, 33), (1, 37)),
}
# Source: kubevirt/sig-release, releases/k8s-support-matrix.md.
KUBEVIRT: dict[Minor, tuple[Minor, Minor]] = {
    (1, 7): ((1, 34), (1, 34)),
    (1, 8): ((1, 34), (1, 35)),
    (1, 9): ((1, 34), (1, 36)),
}
# Source: cilium/cilium, Documentation/network/kubernetes/compatibility.rst, and the next minor that its tests ran.
CILIUM: dict[Minor, tuple[Minor, Minor]] = {
    (1, 18): ((1, 30), (1, 33)),
    (1, 19): ((1, 31), (1, 36)),
    (1, 20): ((1, 32), (1, 36)),
}
# Community support of a Talos minor ends when the next is out.
TALOS_END: dict[Minor, date] = {(1, 12): date(2026, 5, 1), (1, 13): date(2026, 9, 3)}


def minor(version: str) -> Minor:
    """The major and minor of v1.35.4, 1.19.6 or v1.12."""
    major, second, *_ = version.lstrip("v").split(".")
    return int(major), int(second)


def spell(version: Minor) -> str:
    """1.35 for (1, 35)."""
    return f"{version[0]}.{version[1]}"


def span(between: tuple[Minor, Minor]) -> str:
    """1.34 or 1.33 to 1.37."""
    first, last = between
    return spell(first) if first == last else f"{spell(first)} to {spell(last)}"


def mismatches(
    contract: str, talos: str, kubernetes: str, cilium: str, kubevirt: str | None
) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """Each pair that no project claims to work: where, what, why, and what to write instead."""
    c, t, k = minor(contract), minor(talos), minor(kubernetes)
    if c not in CONTRACTS:
        yield (
            ("talos", "contract"),
            f"{contract} is not a contract that Bedplate renders",
            "the contract decides which machine config documents exist",
            f"write {' or '.join('v' + spell(x) for x in CONTRACTS)}; newer Talos releases take it too",
        )
    elif c > GENERATED:
        yield (
            ("talos", "contract"),
            f"{contract} is more than the Talos plugin of this release generates",
            "Bedplate renders its own part of it, and the plugin would write the rest in the old form",
            f"write v{spell(GENERATED)}; newer Talos releases take it too",
        )
    elif t in TALOS and c > t:
        yield (
            ("talos", "contract"),
            f"{contract} is newer than Talos {talos}",
            "Talos would refuse documents that it does not know",
            f"write v{spell(t)} or lower",
        )
    for path, what, version, table in (
        (("talos", "version"), "Talos", talos, TALOS),
        (("cilium", "version"), "Cilium", cilium, CILIUM),
        (("kubevirt", "version"), "KubeVirt", kubevirt, KUBEVIRT),
    ):
        if version is None:
            continue
        known = table.get(minor(version))
        if known is None:
            yield (
                path,
                f"{what} {version} is not in the version matrix",
                "nobody here has read what it works with",
                f"write a release of {', '.join(map(spell, table))}",
            )
        elif not known[0] <= k <= known[1]:
            yield (
                path,
                f"{what} {version} is made for Kubernetes {span(known)}, and talos.kubernetes is {kubernetes}",
                "its project does not test or support that pair",
                f"set talos.kubernetes to a release of {span(known)}, or another {what}",
            )


def out_of_support(talos: str, today: date) -> str | None:
    """Since when nobody mends this Talos minor, if that is so."""
    end = TALOS_END.get(minor(talos))
    return f"Talos {spell(minor(talos))} has had no community support since {end}" if end and today >= end else None
