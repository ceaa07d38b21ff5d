"""The images that the nodes pulled are those that `./bedplate images` lists."""

from collections.abc import Iterator

from core.images import listed
from core.model import parse
from lab import prepare
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.standins import undigested

# Images that only a rehearsal has: its own, and what the chart in Cilium's place runs.
_ONLY_HERE = ("bedplate.local/", "registry.k8s.io/kube-proxy:")
# containerd's namespaces: Talos' own programs, and pods.
_NAMESPACES = ("system", "cri")


def as_listed(rehearsal: Rehearsal) -> None:
    """Each image on each node is in the list, made for the Talos release that runs here."""
    platform = parse(rehearsal.platform)
    release = {"version": prepare.versions().talos}
    running = platform.model_copy(update={"talos": platform.talos.model_copy(update=release)})
    known = {undigested(image.reference) for image in listed(running).images}
    pulled = {image for machine in rehearsal.topology.machines for image in _on(rehearsal, machine.address)}
    see(bool(pulled), "the nodes name no image that they pulled")
    unlisted = sorted(pulled - known)
    see(not unlisted, f"the nodes pulled images that the list lacks: {', '.join(unlisted)}")
    rehearsal.times.say(f"  {len(pulled)} images on the nodes are among the {len(known)} that are listed")


def _on(rehearsal: Rehearsal, address: str) -> Iterator[str]:
    """The images on a node, by name and tag."""
    for namespace in _NAMESPACES:
        answer = rehearsal.clients.talos("image", "list", "--namespace", namespace, "--nodes", address)
        for line in answer.splitlines()[1:]:
            image = line.split()[1]
            if not image.startswith((*_ONLY_HERE, "sha256:")) and ":" in image.rpartition("/")[2] and "@" not in image:
                yield image
