"""`./bedplate setup [PART...]`: the toolchain."""

from __future__ import annotations

from argparse import Namespace

from toolchain import Layout, manifests

from .parts import ensure


def setup(given: Namespace, layout: Layout) -> int:
    """Set up the parts of a plan, all parts, or the named ones. Returns exit code 0."""
    names = {*given.parts, *(["all"] if given.all else []), *(["kubevirt-manifests"] if given.write_manifests else [])}
    installed = ensure(names or {"plan"}, layout)
    if given.write_manifests:
        changed = manifests.write(installed, layout)
        for file in changed:
            print(f"wrote {file.relative_to(layout.checkout)}")
        if not changed:
            print("the committed manifests are what their modules generate")
    manifests.check(installed, layout)
    if not given.write_manifests:
        print(f"Everything is set up in {layout.home}")
    return 0
