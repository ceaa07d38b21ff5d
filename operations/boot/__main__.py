"""`python -m components.metal STACK FOLDER`: what the network that machines boot from needs, before any `up`.

The files follow from the stack file alone, and they must be in their places before the first machine asks.
"""

import sys
from datetime import date
from pathlib import Path

from core.boot import dnsmasq
from core.model import StackFileError, stackfile


def main(stack: str, folder: Path) -> int:
    """Writes the files and says where each belongs."""
    try:
        platform = stackfile.load(Path(f"Pulumi.{stack}.yaml"), root=Path.cwd(), today=date.today())
    except StackFileError as error:
        print(f"boot: {error.report}", file=sys.stderr)
        return 2
    places = {
        dnsmasq.script_name(platform): "the TFTP folder, beside undionly.kpxe and snponly.efi",
        "dnsmasq.conf": "/etc/dnsmasq.d, under a name of its own",
    }
    files = dnsmasq.files(platform)
    if platform.schematic_text is not None:
        files["schematic.yaml"] = platform.schematic_text
        places["schematic.yaml"] = (
            f"the factory, once: curl --data-binary @{folder}/schematic.yaml {platform.talos.factory}/schematics"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sorted(files.items()):
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name} -> {places[name]}")
    if "dnsmasq.conf" not in files:
        print("no dnsmasq configuration: the stack file has no boot.provisioning", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
