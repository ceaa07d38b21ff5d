"""The environment in which the engine runs: our tools first, our home, no surprises."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from toolchain import Layout

from .states import durable

# The engine is told to use only what the toolchain pinned, and to fetch nothing by itself.
FIXED = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    # The stack's state remembers its secrets provider, so that no file of the repository has to.
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
}
# A person's own choice wins. By default the engine starts nothing more after the first failure; here a dead machine
# stops what depends on it, and nothing else. And by default it does four things at once for each processor: machines
# that wait for their turn would keep the one that has it from getting its config.
DEFAULTS = {"PULUMI_CONTINUE_ON_ERROR": "true", "PULUMI_PARALLEL": "256"}
# These would make the engine run another Python than the one set up here.
DROPPED = ("PULUMI_PYTHON_CMD", "PYTHONHOME", "PYTHONPATH", "PULUMI_IGNORE_AMBIENT_PLUGINS")

LOCAL = "dev"


def tools(layout: Layout, base: Mapping[str, str]) -> dict[str, str]:
    """An environment in which `pulumi` and `python` are those of the toolchain."""
    kept = {name: value for name, value in base.items() if name not in DROPPED}
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
        }
    )


def localize(environment: MutableMapping[str, str], layout: Layout, own_salt: bool) -> None:
    """Give the local stack its state and passphrase inside the checkout.

    A passphrase exported for another stack does not unlock this one, so it is set aside; except
    when the stack file itself holds values that were encrypted under it (`own_salt`).
    """
    if "PULUMI_BACKEND_URL" in environment:
        return
    state = layout.home / "state"
    state.mkdir(parents=True, exist_ok=True)
    environment["PULUMI_BACKEND_URL"] = durable(state.as_uri())
    given = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & environment.keys()
    if given and own_salt:
        return
    for name in given:
        del environment[name]
    environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase(layout))


def passphrase(layout: Layout) -> Path:
    """The file with the local stack's passphrase, made on first use and readable by its owner only."""
    file = layout.home / f"{LOCAL}.passphrase"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        # Made with mode 0600, and complete before it gets its name.
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
