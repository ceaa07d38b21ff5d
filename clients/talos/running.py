"""What machines run by their configs. Not loaded with the client: most who use that read no config."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from core.machineconfig import running
from core.machineconfig.differences import parse
from core.machineconfig.merge import Merged
from core.printable import printable

from .calls import Caller, NoAnswer
from .limits import MACHINE_CONFIGS

_NAMESPACE, _ID = "config", "v1alpha1"


def config_of(client: Caller, address: str) -> Merged:
    """The config that a machine runs; without documents if it shows none.

    Raises NoAnswer, and ValueError for a text that is no config.
    """
    return parse(str(client.resources(address, _NAMESPACE, MACHINE_CONFIGS).get(_ID) or ""))


def settings_of(client: Caller, addresses: Mapping[str, str]) -> dict[str, running.Settings | str]:
    """The settings that each machine runs with, by name; a text that says why they are not known.

    addresses: name to address; all are queried at the same time.
    """

    def one(address: str) -> running.Settings | str:
        try:
            documents = config_of(client, address).documents
        except (NoAnswer, ValueError) as error:
            return printable(error)
        return running.settings(documents.values()) if documents else "it shows no config"

    with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
        return dict(zip(addresses, pool.map(one, addresses.values()), strict=True))
