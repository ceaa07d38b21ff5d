"""`python -m operations.boot FILE FOLDER`: write the files of the server that the machines boot from.

The files follow from the stack file alone, and the server needs them before the first machine asks for them.
"""

import sys
from datetime import date
from pathlib import Path

from core.boot import dnsmasq
from core.loading import stackfile
from core.model import Platform, StackFileError
from runner import pipes


def main(file: Path, folder: Path) -> int:
    """Write the files for a stack file and print where each belongs.

    Returns exit code 0; 2 where the stack file has faults, 1 where the files can't be written.
    """
    try:
        platform = stackfile.load(file, root=Path.cwd(), today=date.today())
    except StackFileError as error:
        print(f"boot: {error.report}", file=sys.stderr)
        return 2
    texts = sorted(files(platform, folder).items())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (text, _) in texts:
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"boot: {str(folder)!r} can't be written: {error.strerror}; name another folder", file=sys.stderr)
        return 1
    for name, (_, destination) in texts:
        print(f"{folder / name} -> {destination}")
    if platform.boot is None or platform.boot.provisioning is None:
        print("no dnsmasq configuration: the stack file has no boot.provisioning", file=sys.stderr)
    return 0


def files(platform: Platform, folder: Path) -> dict[str, tuple[str, str]]:
    """File name -> its text, and where the file belongs on the server. `folder` is where it is written first."""
    loaders = " and ".join(dnsmasq.loaders(platform).values())
    destinations = {
        dnsmasq.script_name(platform): f"the TFTP folder, beside {loaders}",
        "dnsmasq.conf": "/etc/dnsmasq.d, under a name of its own",
    }
    written = {name: (text, destinations[name]) for name, text in dnsmasq.files(platform).items()}
    for id_, text in platform.schematics.items():
        if text is not None:
            name = "schematic.yaml" if len(platform.schematics) == 1 else f"schematic-{id_[:12]}.yaml"
            upload = f"curl --data-binary @{folder}/{name} {platform.talos.factory}/schematics"
            written[name] = (text, f"the factory, once: {upload}")
    return written


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(Path(sys.argv[1]), Path(sys.argv[2]))))
