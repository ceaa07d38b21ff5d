"""How a machine gets a config, with and without the cluster's credentials."""

from collections.abc import Awaitable, Callable
from typing import Any

from grpclib.client import Channel

from .calls import Refused, machine_call

# Talos validates a config, and writes it, before it answers.
APPLY_SECONDS = 60.0
# Source: siderolabs/talos, pkg/machinery/constants, GRPCMaxMessageSize; less the request around the config.
MOST_CONFIG_BYTES = 32 * 1024 * 1024 - 1024
# ApplyConfigurationRequest.Mode: AUTO reboots a machine only for a change that needs it, and maintenance mode takes
# no other mode without a reboot.
AUTO = 1


def apply_call(config: str) -> Callable[[Channel], Awaitable[Any]]:
    """The call with which a machine takes a whole config. Raises Refused if the config is too long for Talos."""
    data = config.encode()
    if len(data) > MOST_CONFIG_BYTES:
        raise Refused(f"the config has {len(data)} bytes, and Talos takes at most {MOST_CONFIG_BYTES}")
    return machine_call("ApplyConfiguration", "ApplyConfigurationRequest", data=data, mode=AUTO)
