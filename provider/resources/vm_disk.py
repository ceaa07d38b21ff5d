"""The disk of a VM: filled by CDI, grown where the stack file says so, and never made from something else unsaid."""

import ssl
import urllib.error
from collections.abc import Iterable
from typing import Any

from clients import kubernetes
from core.facts.quantities import mebibytes, whole_bytes
from core.native import InputError, Values
from core.native.kubernetes import VM_DISK
from provider.framework import UserError, in_thread
from provider.kubeapi import Access, read
from provider.progress import Progress
from provider.resource import Resource
from provider.waiting import wait_until

from .vm_disk_beginning import Beginning
from .vm_disk_beginning import named as _named

# Source: kubevirt/containerized-data-importer-api v1.65.0, pkg/apis/core/v1beta1/types.go, DataVolumePhase.
_FILLED = ("Succeeded", "UploadReady")
_WAITS_FOR_VM = ("WaitForFirstConsumer", "PendingPopulation")
# CDI tries for ever. What fails this often fails for a reason that stays.
_TRIES = 3


class VmDisk(Resource):
    """Created when CDI has filled a disk; updated when the disk grows."""

    contract = VM_DISK

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """What a plan refuses to do to a disk that exists."""
        if before is None or any(inputs.get(key) != before.get(key) for key in ("vm", "disk", "namespace")):
            if inputs["unready"]:
                yield InputError("source", f"{_named(inputs)} {inputs['unready']}")
            return
        for name, what in (("source", "filled from"), ("volume", "in")):
            if inputs[name] == before.get(name):
                continue
            changed = f"is now {inputs[name]}, and {_named(inputs)} is {what} {before[name]}"
            if not inputs["keep"] and before.get("keep"):
                yield InputError(
                    name,
                    f"{changed} and is kept so far, so CDI refuses to make it again; write what it was with "
                    "keep: false, run up, and then change it",
                )
            elif inputs["keep"]:
                yield InputError(
                    name,
                    f"{changed}; another one would be a new disk, and the data of this one would be deleted; write "
                    "what it was; to delete the data, add keep: false to the disk, run up, and then change it",
                )
            elif before["starts"]:
                yield InputError(
                    name,
                    f"{changed}; its VM runs with it, so Kubernetes does not delete it; write running: false and run "
                    "up, then change the disk",
                )
        old, new = mebibytes(before["size"]), mebibytes(inputs["size"])
        replaced = not inputs["keep"] and any(inputs[name] != before.get(name) for name in ("source", "volume"))
        # A state of before this input has none.
        was = before.get("reached", inputs["reached"])
        if inputs["reached"] != was and not inputs["keep"] and not replaced:
            yield InputError(
                "reached",
                f"is now {inputs['reached']}, and {_named(inputs)} was filled with {was}; with keep: false it would "
                "be deleted and filled again with the same; remove keep: false, and it stays as it is",
            )
        if new < old and not replaced:
            yield InputError(
                "size",
                f"is now {inputs['size']}, and {_named(inputs)} has {before['size']}; what is at its end would be cut "
                "off, so Kubernetes lets no volume shrink; write at least the size that it has",
            )
        if new > old and not inputs["grows"] and not replaced:
            yield InputError(
                "size",
                f"is now {inputs['size']}, and {_named(inputs)} has {before['size']}; volumes of its class can't grow; "
                "add a disk to disks: in its place",
            )

        if replaced and inputs["unready"]:
            yield InputError("source", f"{_named(inputs)} {inputs['unready']}")

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What happens to the disk, in one line."""
        if state is None or inputs["size"] == state["size"]:
            return None
        return f"{_named(inputs)} grows from {state['size']} to {inputs['size']}, while its guest runs"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the disk is filled. Returns namespace and claim, and the outputs by name."""
        await in_thread(_settle, inputs, say)
        return f"{inputs['namespace']}/{inputs['claim']}", dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Let the claim grow, and wait for that. Returns the outputs by name."""
        await in_thread(_settle, inputs, say)
        return dict(inputs)


def _correction(inputs: Values) -> str:
    """What to do about a source that is wrong. The engine ignores another source of a disk that is kept."""
    if not inputs["keep"]:
        return "correct the source or its checksum in the stack file, and run up again"
    return (
        "if the source or its checksum is wrong, add keep: false to the disk, which has no data yet, and run up, which "
        "ends with this error again; then correct it, run up, and remove keep"
    )


def _settle(inputs: Values, say: Progress) -> None:
    """Return once the disk is filled and as large as it is to be. Raises UserError."""
    access, seconds = Access.parse(inputs["kubeconfig"]), float(inputs["timeoutSeconds"])
    name, claim = inputs["namespace"], inputs["claim"]
    look = f"look at it with: kubectl describe datavolume {claim} -n {name}, and run up again"
    with access.tls() as tls:
        beginning = Beginning(access, tls, inputs)

        def filled() -> tuple[bool, str]:
            status = beginning.status()
            done, text = _is_filled(inputs, status)
            if not done:
                beginning.judge(status)
            return done, text

        def grown() -> tuple[bool, str]:
            return _has_grown(access, tls, inputs)

        wait_until(filled, f"{_named(inputs)} was not filled from {inputs['source']}", seconds, look, say)
        wait_until(grown, f"{_named(inputs)} did not become {inputs['size']}", seconds, look, say)


def _is_filled(inputs: Values, status: dict[str, Any]) -> tuple[bool, str]:
    """Whether a DataVolume is filled, or waits for a VM that does not run; and what CDI reports. Raises UserError."""
    phase = status.get("phase") or "not seen by CDI"
    conditions = {each.get("type"): each for each in status.get("conditions") or []}
    running = conditions.get("Running") or {}
    words = running.get("message") or (conditions.get("Bound") or {}).get("message") or ""
    failing = running.get("reason") == "Error" and int(status.get("restartCount") or 0) >= _TRIES
    if phase == "Failed" or failing:
        raise UserError(
            f"{_named(inputs)} was not filled from {inputs['source']}, because CDI reports: {words or phase}; the VM "
            f"does not start without it; {_correction(inputs)}"
        )
    done = phase in _FILLED or (phase in _WAITS_FOR_VM and not inputs["starts"])
    return done, " ".join(filter(None, (phase, str(status.get("progress") or ""), words)))


def _has_grown(access: Access, tls: ssl.SSLContext, inputs: Values) -> tuple[bool, str]:
    """Whether a claim has the bytes that it is to have, and what is known of it. Asks for them where it has fewer."""
    path = f"/api/v1/namespaces/{inputs['namespace']}/persistentvolumeclaims/{inputs['claim']}"
    found = read(access, tls, path)
    wanted = int(inputs["bytes"])
    asked = (((found.get("spec") or {}).get("resources") or {}).get("requests") or {}).get("storage")
    status = found.get("status") or {}
    if asked is not None and whole_bytes(asked) < wanted:
        _grow(access, tls, path, inputs)
        return False, "Kubernetes was asked for it"
    if status.get("phase") != "Bound":
        return True, ""
    has = (status.get("capacity") or {}).get("storage")
    # The file system of a volume grows when a pod next mounts it.
    later = any(each.get("type") == "FileSystemResizePending" for each in status.get("conditions") or [])
    return has is None or whole_bytes(has) >= wanted or later, f"it has {has}"


def _grow(access: Access, tls: ssl.SSLContext, path: str, inputs: Values) -> None:
    try:
        kubernetes.patch(access, tls, path, {"spec": {"resources": {"requests": {"storage": inputs["bytes"]}}}})
    except urllib.error.HTTPError as error:
        if error.code not in (403, 422):
            raise
        raise UserError(
            f"{_named(inputs)} did not become {inputs['size']}, because Kubernetes refused it: "
            f"{kubernetes.why(error)}; the disk stays as it is; write the size that it had, or use a class whose "
            "volumes can grow"
        ) from None
