"""Folders on computers other than the machines: for data, and outside of what a system runs from."""

from typing import Annotated

from pydantic import AfterValidator

from core.facts.folders import FOLDER, is_system_folder

from .faults import refuse
from .pattern import Pattern


def _outside_the_system(value: str) -> str:
    if is_system_folder(value):
        refuse(
            f"{value!r} belongs to the system of a computer",
            "what is written or served there can take over the computer",
            "write a folder for data, e.g. /srv/snapshots or one below /home",
        )
    return value


DataFolder = Annotated[
    str,
    Pattern(
        FOLDER,
        "an absolute path of a folder",
        "a relative path would depend on the folder in which `up` is run",
        "write e.g. /srv/snapshots, without a slash at the end",
    ),
    AfterValidator(_outside_the_system),
]

TftpFolder = Annotated[
    str,
    Pattern(
        FOLDER,
        "an absolute folder of the boot server",
        "dnsmasq serves exactly this folder",
        "write e.g. /var/lib/tftpboot",
    ),
    AfterValidator(_outside_the_system),
]
