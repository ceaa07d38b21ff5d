"""Every contract by its token, and every secret input of the program's resource types by token."""

from collections.abc import Mapping

from core.facts.secrets import SECRET_INPUTS as FOREIGN_SECRET_INPUTS

from . import cluster, kubernetes, machine, metal, storage
from .contract import Contract

CONTRACTS: Mapping[str, Contract] = {
    contract.token: contract
    for contract in (
        kubernetes.API_READY,
        kubernetes.CHART,
        storage.GOLDEN_IMAGE,
        kubernetes.KUBECONFIG_SIGNED,
        kubernetes.NODE_READY,
        kubernetes.NODE_SETTINGS,
        kubernetes.VM_DISK,
        metal.BOOT_JOURNAL,
        metal.BOOT_PERMIT,
        metal.MANUAL_BOOT,
        metal.POWER,
        cluster.BOOTSTRAP,
        cluster.CHANGE_GUARD,
        machine.DECOMMISSION,
        cluster.ETCD_MEMBER,
        machine.IDENTITY,
        machine.MACHINE_CONFIG,
        machine.MAINTENANCE_TURN,
        machine.NODE_HEALTHY,
        cluster.SNAPSHOT,
        machine.TALOS_VERSION,
    )
}

SECRET_INPUTS: Mapping[str, tuple[str, ...]] = {
    **FOREIGN_SECRET_INPUTS,
    **{token: contract.secret_inputs for token, contract in CONTRACTS.items() if contract.secret_inputs},
}
"""Each token to the inputs that must be registered as secrets: of the plugins' types, then of our own."""
