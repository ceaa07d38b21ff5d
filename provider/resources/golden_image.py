"""A golden image: fetched by CDI, and the source of disks."""

import urllib.error
from collections.abc import Mapping
from typing import Any

from core.facts.golden import NAMESPACE
from core.native import Values
from core.native.storage import GOLDEN_IMAGE
from provider.framework import UserError, in_thread
from provider.kubeapi import Access, read
from provider.progress import Progress
from provider.resource import Resource
from provider.waiting import wait_until

_CDI = f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{NAMESPACE}"
# CDI tries for ever. What fails this often fails for a reason that stays.
_TRIES = 3


class GoldenImage(Resource):
    """Created when disks can be made from an image; updated when they can be made from another one."""

    contract = GOLDEN_IMAGE

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the image is there. Returns its name, and the outputs by name."""
        await in_thread(_settle, inputs, say)
        return str(inputs["image"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Wait until the other image is there. Returns the outputs by name."""
        await in_thread(_settle, inputs, say)
        return dict(inputs)


def _settle(inputs: Values, say: Progress) -> None:
    """Return once disks can be made from the image. Raises UserError."""
    access, name, claim = Access.parse(inputs["kubeconfig"]), inputs["image"], inputs["claim"]
    shown = f"datavolume {claim}" if claim else f"dataimportcron {name}"
    look = f"look at it with: kubectl describe {shown} -n {NAMESPACE}, and run up again"
    with access.tls() as tls:

        def status(path: str) -> dict[str, Any]:
            try:
                return dict(read(access, tls, f"{_CDI}/{path}").get("status") or {})
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return {}
                raise

        def fetched() -> tuple[bool, str]:
            words = _judge(inputs, status(f"datavolumes/{claim}")) if claim else ""
            source = _condition(status(f"datasources/{name}"), "Ready")
            done = source.get("status") == "True" and (not claim or words == "Succeeded")
            return done, words or str(source.get("message") or "not seen by CDI")

        wait_until(
            fetched,
            f"image {name} was not fetched from {inputs['source']}",
            float(inputs["timeoutSeconds"]),
            look,
            say,
        )


def _judge(inputs: Values, status: Mapping[str, Any]) -> str:
    """What CDI reports of the DataVolume: Succeeded, or where it is. Raises UserError for one that failed."""
    phase, running = str(status.get("phase") or "not seen by CDI"), _condition(status, "Running")
    words = running.get("message") or _condition(status, "Bound").get("message") or ""
    failing = running.get("reason") == "Error" and int(status.get("restartCount") or 0) >= _TRIES
    if phase == "Failed" or failing:
        raise UserError(
            f"image {inputs['image']} was not fetched from {inputs['source']}, because CDI reports: {words or phase}; "
            "no disk can be made from it; correct the source or its checksum under images, and run up again"
        )
    return phase if phase == "Succeeded" else " ".join(filter(None, (phase, str(status.get("progress") or ""), words)))


def _condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = [each for each in status.get("conditions") or [] if each.get("type") == kind]
    return dict(found[0]) if found else {}
