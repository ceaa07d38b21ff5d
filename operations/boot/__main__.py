"""`python -m operations.boot STACK FOLDER`: write the files of the server that the machines boot from.

The files follow from the stack file alone, and the server needs them before the first machine asks for them.
"""

import sys
from datetime import date
from pathlib import Path

from core.boot import dnsmasq
from core.model import Platform, StackFileError, stackfile
from runner import pipes


def main(stack: str, folder: Path) -> int:
    """Write the files and print where each belongs. Returns exit code 0, or 2 where the stack file has faults."""
    try:
        platform = stackfile.load(Path(f"Pulumi.{stack}.yaml"), root=Path.cwd(), today=date.today())
    except StackFileError as error:
        print(f"boot: {error.report}", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for name, (text, destination) in sorted(files(platform, folder).items()):
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name} -> {destination}")
    if platform.boot is None or platform.boot.provisioning is None:
        print("no dnsmasq configuration: the stack file has no boot.provisioning", file=sys.stderr)
    return 0


def files(platform: Platform, folder: Path) -> dict[str, tuple[str, str]]:
    """File name -> its text, and where the file belongs on the server. `folder` is where it is written first."""
    destinations = {
        dnsmasq.script_name(platform): "the TFTP folder, beside undionly.kpxe and snponly.efi",
        "dnsmasq.conf": "/etc/dnsmasq.d, under a name of its own",
    }
    written = {name: (text, destinations[name]) for name, text in dnsmasq.files(platform).items()}
    if platform.schematic_text is not None:
        upload = f"curl --data-binary @{folder}/schematic.yaml {platform.talos.factory}/schematics"
        written["schematic.yaml"] = (platform.schematic_text, f"the factory, once: {upload}")
    return written


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1], Path(sys.argv[2]))))
