"""The environment in which the engine runs: the toolchain's programs first, and nothing inherited that changes them."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from toolchain import Layout

from . import passphrase, private
from .states import durable

# The engine uses only what the toolchain pinned, and fetches nothing by itself.
FIXED = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    # The stack's state remembers its secrets provider, so that no file of the repository has to.
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    # Bedplate has no plugin for pydantic, which would read the metadata of each installed package to look for one.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
# The user's own value wins. By default the engine starts nothing more after the first failure; here a machine that is
# down blocks only what depends on it. And by default the engine runs four operations per processor: machines that wait
# for their maintenance turn would occupy all of them, and the machine whose turn it is would never get its config.
DEFAULTS = {"PULUMI_CONTINUE_ON_ERROR": "true", "PULUMI_PARALLEL": "256"}
# These would make the engine run another Python than the one set up here.
DROPPED = ("PULUMI_PYTHON_CMD", "PYTHONHOME", "PYTHONPATH", "PULUMI_IGNORE_AMBIENT_PLUGINS")

LOCAL = "dev"


def tools(layout: Layout, base: Mapping[str, str]) -> dict[str, str]:
    """An environment in which `pulumi` and `python` are those of the toolchain: variables by name.

    The passphrase is not in it: only a command that works on a stack adds it.
    """
    kept = {name: value for name, value in base.items() if name not in (*DROPPED, *passphrase.VARIABLES)}
    if "PULUMI_BACKEND_URL" in kept:
        kept["PULUMI_BACKEND_URL"] = durable(kept["PULUMI_BACKEND_URL"])
    path = [str(layout.bin), str(layout.venv / "bin"), base.get("PATH", os.defpath)]
    return (
        DEFAULTS
        | kept
        | FIXED
        | {
            "PATH": os.pathsep.join(path),
            "VIRTUAL_ENV": str(layout.venv),
            "PULUMI_HOME": str(layout.pulumi_home),
            # Every plan puts each machine's config before it: clients/judge.py.
            "BEDPLATE_JUDGE": str(layout.bin / "config-judge"),
        }
    )


def localize(environment: MutableMapping[str, str], layout: Layout, own_salt: bool) -> None:
    """Keep the local stack's state and passphrase inside the checkout.

    A passphrase exported for another stack does not decrypt this one, so it is ignored, unless the stack file itself
    holds values that were encrypted with it (`own_salt`).
    """
    if "PULUMI_BACKEND_URL" in environment:
        return
    state = private.folder(layout.home / "state")
    environment["PULUMI_BACKEND_URL"] = durable(state.as_uri())
    given = set(passphrase.VARIABLES) & environment.keys()
    if given and own_salt:
        return
    for name in given:
        del environment[name]
    environment[passphrase.FILE] = str(local_passphrase(layout))


def local_passphrase(layout: Layout) -> Path:
    """The file with the local stack's passphrase, written on first use and readable by its owner only."""
    file = layout.home / f"{LOCAL}.passphrase"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        # mkstemp makes it with mode 0600, and it is complete before it gets its name.
        handle, fresh = tempfile.mkstemp(dir=file.parent)
        with open(handle, "w") as stream:
            stream.write(secrets.token_urlsafe(32))
        try:
            # Of two first runs at once, one wins and both use its passphrase.
            os.link(fresh, file)
        except FileExistsError:
            pass
        finally:
            os.unlink(fresh)
    return file
