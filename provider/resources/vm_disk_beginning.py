"""Whether CDI can begin to fill the disk of a VM: a DataVolume that is gone, and a claim that can't be copied."""

import ssl
import urllib.error
from collections.abc import Mapping
from typing import Any

from clients import kubernetes
from core.facts.kubevirt import usable_bytes
from core.facts.quantities import whole_bytes
from core.native import Values
from provider.framework import UserError
from provider.kubeapi import Access, read

# What is seen so often in a row stays: CDI, KubeVirt and this run do not always see one object at one time.
_TIMES = 5
# Source: kubevirt/kubevirt v1.8.4, staging/src/kubevirt.io/api/core/v1/types.go, AppLabel and DeprecatedVirtualMachine
# NameLabel: labels of the pod of a running VM.
_APP, _LAUNCHER, _VM = "kubevirt.io", "virt-launcher", "vm.kubevirt.io/name"
_ENDED = ("Succeeded", "Failed")


def named(inputs: Values) -> str:
    """The disk in messages."""
    return f"disk {inputs['disk']} of VM {inputs['vm']}"


class Beginning:
    """Looks at what CDI needs, and ends the wait where that will not come by itself."""

    def __init__(self, access: Access, tls: ssl.SSLContext, inputs: Values) -> None:
        self._access, self._tls, self._inputs = access, tls, inputs
        self._seen: dict[str, int] = {}

    def status(self) -> dict[str, Any]:
        """The DataVolume's status, keyed as CDI has it; empty while there is none. Raises UserError."""
        namespace, claim = self._inputs["namespace"], self._inputs["claim"]
        found = self._read(f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{namespace}/datavolumes/{claim}")
        self._ends(
            "gone",
            found is None,
            f"{named(self._inputs)} has no DataVolume {claim} in the namespace {namespace} any more, because something "
            "else than this program deleted it, and its data with it; the VM does not start without it; run "
            "./bedplate refresh STACK, and up again, which makes the disk again from its source",
        )
        return dict((found or {}).get("status") or {})

    def judge(self, status: Mapping[str, Any]) -> None:
        """Look at the claim that is copied, while CDI has not begun. Raises UserError where it can't be copied."""
        namespace, _, name = str(self._inputs.get("copied") or "").partition("/")
        if not name or "InProgress" in str(status.get("phase")):
            return
        source = self._read(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
        of = f"claim {name} of the namespace {namespace}"
        start = f"{named(self._inputs)} is not filled, because "
        self._ends(
            "missing",
            source is None,
            f"{start}there is no {of}, which it is a copy of; the VM does not start without it; make that claim, and "
            "run up again",
        )
        mode = str(self._inputs["volume"]).rpartition(" ")[2]
        has, room = _usable(source or {}), usable_bytes(int(self._inputs["bytes"]), mode)
        self._ends(
            "small",
            has > room,
            f"{start}{of}, which it is a copy of, has {has} bytes, and the disk {room}; the VM does not start without "
            "it; write keep: false for it and run up, which ends with this error again; then write a size as large as "
            "that of the claim, and run ./bedplate up STACK --target-replace with the disk's URN",
        )
        user = self._user(namespace, name)
        self._ends(
            "used",
            user is not None,
            f"{start}VM {user} runs with {of}, and CDI copies no disk that is in use; the VM {self._inputs['vm']} does "
            f"not start without it; stop the other one with: virtctl stop {user} -n {namespace}, or running: false, "
            "and run up again",
        )

    def _user(self, namespace: str, claim: str) -> str | None:
        """The VM whose running pod has the claim."""
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={_APP}%3D{_LAUNCHER}"
        for pod in kubernetes.items(self._access, self._tls, path):
            volumes = (pod.get("spec") or {}).get("volumes") or []
            claims = {(each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes}
            if claim in claims and (pod.get("status") or {}).get("phase") not in _ENDED:
                about = pod.get("metadata") or {}
                return str((about.get("labels") or {}).get(_VM) or about.get("name"))
        return None

    def _ends(self, what: str, seen: bool, message: str) -> None:
        """Count how often something was seen in a row. Raises UserError with the message once that is often."""
        self._seen[what] = self._seen.get(what, 0) + 1 if seen else 0
        if self._seen[what] >= _TIMES:
            raise UserError(message)

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            return read(self._access, self._tls, path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def _usable(claim: Mapping[str, Any]) -> int:
    """Bytes that a disk in a claim can have."""
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return usable_bytes(whole_bytes(asked), str(spec.get("volumeMode"))) if asked is not None else 0
