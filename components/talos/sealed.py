"""A machine's documents with the secrets of the stack file, for inputs that are secret."""

import json
from collections.abc import Mapping

from core import standins
from core.machineconfig.documents import patches
from core.model import Platform


def documents(platform: Platform, name: str, secrets: Mapping[str, str]) -> list[str]:
    """The machine's documents as JSON texts, with secrets in place of their stand-ins.

    secrets: stand-in to secret of the stack file.
    """
    return [standins.opened_text(text, secrets) for text in patches(platform, name)]


def secrets_of(platform: Platform, name: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the machine's documents have stand-ins for: stand-in to secret."""
    texts = patches(platform, name) if secrets else ()
    used = {each for text in texts for each in standins.within(json.loads(text))}
    return {each: secrets[each] for each in sorted(used) if each in secrets}
