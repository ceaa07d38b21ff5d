"""A packed Helm chart, in a file that Helm reads and nobody else chose.

Helm verifies no digest of a chart from a repository, so Helm gets a file. The file is a cache of this computer: its
absence is no change of the platform, and a plan that needs it fetches it, as Helm itself would.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from clients import charts
from core.native import InputError, Unknown, Values
from core.native.kubernetes import CHART
from provider.progress import Progress
from provider.resource import Resource

# The checkout, from which the file's path starts.
_ROOT = Path(__file__).resolve().parents[2]


class Chart(Resource):
    """Its check fetches the file where it is missing or differs; creation and update only record the inputs.

    The engine checks a resource in every plan and every update, before Helm's plugin reads the chart. As long as the
    kubeconfig is unknown there is no cluster, and Helm reads nothing.
    """

    contract = CHART

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """Why the file can't be made, if Helm is about to read it."""
        if any(isinstance(inputs.get(name), Unknown | None) for name in CHART.inputs) or CHART.errors(inputs):
            return
        target = _ROOT / inputs["file"]
        if _digest(target) == inputs["sha256"]:
            return
        try:
            _write(target, charts.fetch(inputs["url"], inputs["sha256"]))
        except (charts.Unusable, OSError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else error
            yield InputError(
                "file",
                f"can't be made from {inputs['url']}: {reason}; Helm compares no digest itself, so it gets no other "
                f"chart; check the repository and cilium.digest, or put the chart in the checkout and write its path "
                "as cilium.chart",
            )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Record the inputs. Returns the digest as id, and the outputs by name."""
        return str(inputs["sha256"]), dict(inputs)


def _digest(file: Path) -> str | None:
    """The SHA-256 of a file; None where there is none, or something else in its place."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            return hashlib.sha256(opened.read(charts.LIMITS.most_bytes + 1)).hexdigest()
    except OSError:
        return None


def _write(file: Path, content: bytes) -> None:
    """Put a whole file in place, or nothing. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        Path(part).replace(file)
    finally:
        Path(part).unlink(missing_ok=True)
