"""Nodes as the Kubernetes API has them, compared with what the state declares for them. It changes nothing."""

import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access, CredentialsRefused
from core.credentials.kubeconfig import KubeconfigRefused
from core.facts import tokens
from core.machineconfig.differences import Difference
from core.native.kubernetes import KUBECONFIG_SIGNED, NODE_SETTINGS
from core.nodes import differences
from core.state import unwrap_secret

# Type to the output with the kubeconfig. A state of release 0.1.0 has the former one until its next `up`.
KUBECONFIGS = {KUBECONFIG_SIGNED.token: "kubeconfig", tokens.KUBECONFIG: "kubeconfigRaw"}


class Unread(Exception):
    """A Node could not be read; the text says why."""


@dataclass(frozen=True)
class Nodes:
    """What the state declares for Nodes, and the API to read them from."""

    declared: Mapping[str, Mapping[str, Any]]
    """Node to its labels, taints and annotations, each by key."""
    access: Access | None
    """None where the state has no kubeconfig that can be used."""

    @classmethod
    def of(cls, resources: list[dict[str, Any]]) -> "Nodes":
        """From the resources of a state, with secrets in the clear."""
        declared, access = {}, None
        for resource in resources:
            outputs, kind = unwrap_secret(resource.get("outputs") or {}), resource["type"]
            if kind == NODE_SETTINGS.token:
                declared[str(outputs["node"])] = outputs
            elif kind in KUBECONFIGS and (text := outputs.get(KUBECONFIGS[kind])):
                with suppress(KubeconfigRefused):  # The next `up` signs another one.
                    access = Access.parse(text)
        return cls(declared, access)

    def compare(self, name: str) -> Iterator[Difference]:
        """What the Node of a machine does not show as declared. Raises Unread."""
        if name not in self.declared:
            return  # A state of an earlier release says nothing of Nodes.
        if self.access is None:
            raise Unread("its Node was not read, because the state has no kubeconfig")
        for each in differences(self.declared[name], self._read(self.access, name)):
            yield Difference("Node", each.place, each.declared, each.shown or "missing", reboots=False)

    def _read(self, access: Access, name: str) -> dict[str, Any]:
        with access.tls() as tls:
            try:
                return kubernetes.read(access, tls, f"/api/v1/nodes/{name}")
            except CredentialsRefused as refused:
                raise Unread(f"its Node could not be read: {refused}") from None
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    raise Unread("it has no Node in Kubernetes") from None
                raise Unread(f"its Node could not be read: {kubernetes.why(error)}") from None
            except OSError as error:
                raise Unread(f"its Node could not be read: {kubernetes.why(error)}") from None
