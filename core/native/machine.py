"""The contracts of the resources that configure, upgrade and remove one Talos machine."""

from dataclasses import replace

from core.facts import installer

from . import shared
from .contract import Contract, Input, Output
from .types import ANY_TEXT, FLAG, choice, mapping, text, text_mapping, texts, whole

WIPE, LOST = "wipe", "lost"
"""The ways in which a machine leaves: erased, or given up because it is dead."""


def _declared(*, ignored: bool = False) -> Input:
    return Input(
        type=mapping(),
        doc="What the stack file says of the hardware: uuid, serial, mac, disk, threads, memoryMib; secureBoot, if it "
        "must be on; and serials, the pair of serial numbers that its BMC reports.",
        why="the machine's hardware is compared with it",
        instead="write uuid, serial, mac or disk, or {}",
        ignored_in_diff=ignored,
    )


IDENTITY = Contract(
    token="bedplate-native:talos:Identity",
    doc="Waits until the machine at an address answers, and refuses it if it is not the declared hardware.",
    inputs={
        "machine": shared.machine(),
        "node": shared.node(),
        "clientConfiguration": shared.talos_client(),
        "declared": _declared(),
        "serials": Input(
            type=texts(0),
            doc="The two serial numbers that the machine's BMC reports, if it reports two: Talos reports one of them.",
            why="a machine that reports either is the declared one",
            instead="take identity of the machine's Power, or write []",
            required=False,
            ignored_in_diff=True,
        ),
        "generation": shared.generation(
            "A higher generation requires a machine that booted from the network.",
            "each generation permits one installation",
        ),
        "base": shared.base(),
        "documents": shared.documents(),
        "versions": Input(
            type=text_mapping(1),
            doc="The contract and the Kubernetes version that the machine's config is generated for.",
            why="another version changes the machine's config",
            instead="write contract and kubernetes",
        ),
        "timeoutSeconds": shared.timeout(),
    },
    outputs={
        "found": Output(type=mapping(), doc="The hardware that the machine reports.", kept=True),
        "matched": Output(
            type=text_mapping(0, "a mapping"),
            doc="How the machine spells each declared fact: a uuid in either byte order, a serial as its BMC's pair.",
            kept=True,
        ),
        "fingerprint": Output(
            type=ANY_TEXT,
            doc="The SHA-256 of the certificate that a machine without a config served; empty if it had one.",
        ),
    },
)

MACHINE_CONFIG = Contract(
    token="bedplate-native:talos:MachineConfig",
    doc="Sends a machine its config: with the platform's certificate, or the first time to the identified machine.",
    inputs={
        "machine": replace(shared.machine(), replaces=False),
        "node": shared.node(),
        "clientConfiguration": shared.talos_client(ignored=True),
        "base": Input(
            type=texts(1),
            doc="What Talos' generator writes for the machine's role, without the PKI, as JSON texts.",
            why="policies check it, and the patches are merged into it",
            instead="write each document as one JSON text",
        ),
        "pki": Input(
            type=texts(1),
            doc="The PKI of the machine's role and its registry credentials, as documents in JSON.",
            why="without the PKI a machine can't join the platform",
            instead="make them from machineSecrets of talos:machine:Secrets",
            secret=True,
        ),
        "configPatches": Input(
            type=texts(0),
            doc="The machine's config patches as JSON texts, in the order in which they are merged.",
            why="policies check them, and they are merged into the base",
            instead="write each patch as one JSON document",
        ),
        "secrets": Input(
            type=text_mapping(),
            doc="The secrets of the stack file that patches have stand-ins for: stand-in to secret.",
            why="a plan shows patches in plain text, so secrets are put in only when a config is sent",
            instead="write stand-in: secret",
            required=False,
            secret=True,
        ),
        "generation": shared.generation(
            "A higher generation permits one config to be sent to a machine in maintenance mode.",
            "each generation permits one installation",
        ),
        "fingerprint": Input(
            type=ANY_TEXT,
            doc="The SHA-256 of the certificate under which the machine was identified; empty if it had a config.",
            why="a machine in maintenance mode gets its config only under this certificate",
            instead="take fingerprint of the machine's Identity",
            required=False,
            ignored_in_diff=True,
        ),
        "declared": _declared(ignored=True),
    },
    outputs={
        "machineConfiguration": Output(
            type=text("a machine config"), doc="The whole config that the machine was sent.", secret=True
        )
    },
)

MAINTENANCE_TURN = Contract(
    token="bedplate-native:talos:Turn",
    doc="Waits for the machine's turn and drains it, before a config that reboots it or changes its Kubernetes.",
    inputs={
        "machine": shared.machine(),
        "node": shared.node(),
        "clientConfiguration": shared.talos_client(ignored=True),
        "planes": shared.planes(),
        "kubernetes": shared.version("Kubernetes"),
        "controlplane": shared.controlplane(),
        "generation": shared.generation(
            "A machine that was installed again runs nothing that must be drained.",
            "each generation permits one installation",
        ),
        "base": shared.base(),
        "documents": shared.documents(),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={
        "turn": Output(type=whole(0), doc="The number of the machine's turns so far, including the last one."),
        "began": Output(type=ANY_TEXT, doc="When the machine was started before its last turn."),
        "reboots": Output(type=FLAG, doc="Whether its last turn was for a config that reboots it."),
    },
)

NODE_HEALTHY = Contract(
    token="bedplate-native:talos:Settled",
    doc="Ends a machine's turn: waits until it is healthy with the declared kubelet, and uncordons its node.",
    inputs={
        "machine": shared.machine(),
        "node": shared.node(),
        "clientConfiguration": shared.talos_client(ignored=True),
        "planes": shared.planes(),
        "kubernetes": shared.version("Kubernetes", ignored=True),
        "turn": Input(
            type=whole(0),
            doc="The turn that it ends; a higher number than the last one starts the wait.",
            why="a higher number than in the state starts the wait",
            instead="take turn of the machine's MaintenanceTurn",
        ),
        "began": Input(
            type=ANY_TEXT,
            doc="When the machine was started before its turn.",
            why="it shows whether the machine has restarted",
            instead="take began of the machine's MaintenanceTurn",
            ignored_in_diff=True,
        ),
        "reboots": Input(
            type=FLAG,
            doc="Whether the config reboots the machine.",
            why="a machine that reboots is waited for first",
            instead="take reboots of the machine's MaintenanceTurn",
            ignored_in_diff=True,
        ),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={},
)

TALOS_VERSION = Contract(
    token="bedplate-native:talos:Release",
    doc="Upgrades a machine to the declared Talos version and schematic, one machine at a time.",
    inputs={
        "machine": shared.machine(),
        "node": shared.node(),
        "clientConfiguration": shared.talos_client(),
        "image": Input(
            type=text("an installer image with an exact version", installer.PATTERN),
            doc="The installer image.",
            why="without an exact version the machine would run another one after its next reinstallation",
            instead="write e.g. HOST/metal-installer/ID:v1.14.2",
        ),
        "controlplane": shared.controlplane(),
        "kernelArguments": Input(
            type=texts(0),
            doc="The kernel arguments in the image; policies judge them. Missing if only the schematic's id is known.",
            why="the machine boots with these",
            instead="write the arguments, one per entry",
            required=False,
            ignored_in_diff=True,
        ),
        "virtualization": Input(
            type=FLAG,
            doc="Whether virtual machines may be scheduled on it, so that its processors must support them.",
            why="virtual machines need processors that support them",
            instead="write true or false",
        ),
        "timeoutSeconds": shared.timeout(),
    },
    outputs={
        "version": Output(type=text("a version"), doc="The Talos version that the machine runs."),
        "schematic": Output(type=ANY_TEXT, doc="The schematic that the machine runs; empty if it reports none."),
    },
)

DECOMMISSION = Contract(
    token="bedplate-native:talos:Decommission",
    doc="Removes a machine from the platform once: drained, out of etcd and erased, or only forgotten.",
    inputs={
        "machine": shared.machine(),
        "node": shared.node(),
        "how": Input(
            type=choice(WIPE, LOST),
            doc="wipe erases the machine; lost gives up a dead one.",
            why="wipe erases the machine, and lost sends nothing to it",
            instead="write wipe or lost",
        ),
        "controlplane": shared.controlplane(),
        "others": Input(
            type=text_mapping(1, "a mapping from one or more control planes to their addresses"),
            doc="The name of each control plane that stays to its address.",
            why="the control planes that stay remove the machine from etcd",
            instead="write name: address",
            ignored_in_diff=True,
        ),
        "clientConfiguration": shared.talos_client(ignored=True),
        "kubeconfig": shared.kubeconfig(ignored=True),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={},
)
