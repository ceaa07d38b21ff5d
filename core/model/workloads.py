"""The `workloads` section: container applications."""

from typing import Annotated

from pydantic import AfterValidator, Field

from .amounts import CpuQuantity, Memory
from .faults import refuse
from .images import ContainerImage
from .pattern import Visible
from .types import Model, Name


def _starts_something(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and not command[0].strip():
        refuse("its first word is empty", "the first word is the program that is started", "write e.g. [sh, -c, …]")
    return command


Command = Annotated[tuple[Annotated[str, Visible], ...], AfterValidator(_starts_something)]


class WorkloadSpec(Model):
    """A container application."""

    image: ContainerImage = Field(examples=["registry.example.com/shop/web:1.4.2"])
    """The image. It must be able to run as any user and with a read-only root filesystem."""
    command: Command = ()
    """Replaces the image's own command."""
    replicas: int = Field(default=1, ge=0, le=100, strict=True)
    port: Annotated[int, Field(ge=1024, le=65535, strict=True)] | None = None
    """TCP port of its Service in the cluster. At least 1024, because it runs without root's rights."""
    cpu: CpuQuantity = "50m"
    """CPU request."""
    memory: Memory = "128Mi"
    """Memory request and limit."""
    namespace: Name = "apps"
