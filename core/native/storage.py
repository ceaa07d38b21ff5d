"""The contract of golden images."""

from . import shared
from .contract import Contract, Input
from .types import ANY_TEXT, text

GOLDEN_IMAGE = Contract(
    token="bedplate-native:kubernetes:GoldenImage",
    doc="Waits until CDI has fetched a golden image, so that disks can be made from it.",
    inputs={
        "image": Input(
            type=text("an image's name", r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"),
            doc="The image's name in the stack file, and its DataSource.",
            why="messages name the image by it",
            instead="write e.g. fedora-42",
            replaces=True,
        ),
        "claim": Input(
            type=ANY_TEXT,
            doc="The DataVolume that it is fetched into; empty where CDI looks for newer ones, and makes one for each.",
            why="CDI reports there why an image can't be fetched",
            instead="write e.g. fedora-42-1a2b3c4d, or an empty text",
        ),
        "source": Input(
            type=text("a source"),
            doc="What it is fetched from.",
            why="messages name it",
            instead="write an address or an image",
        ),
        "kubeconfig": shared.kubeconfig(ignored=True),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={},
)
