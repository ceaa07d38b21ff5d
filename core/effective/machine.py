"""One machine's effective configuration: its merged config, and what Talos makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from core.boot.arguments import Argument, image
from core.facts.versions import Minor, minor
from core.machineconfig.merge import Documents, Key
from core.machineconfig.sources import sources
from core.model import Platform

from .flags import Program
from .kubelet import section, settings_path
from .origins import Origins
from .runs import Runs
from .section import Config, at


@dataclass(frozen=True)
class Effective:
    """What one machine runs: plain data, computed when it is first read."""

    platform: Platform
    name: str
    origins: Origins

    @property
    def role(self) -> Literal["controlplane", "worker"]:
        """What the machine is declared to be."""
        return self.platform.machines[self.name].role

    @property
    def release(self) -> Minor:
        """The minor of the Talos release on the machine."""
        return minor(self.platform.talos.version)

    @property
    def documents(self) -> Documents:
        """The merged config without the PKI: documents by kind and name."""
        return self.origins.documents

    def origin(self, key: Key, *path: str) -> str:
        """Where the value at a path of a document comes from: a patch's place, Bedplate, or the generator."""
        return self.origins.of(key, path)

    @cached_property
    def runs(self) -> Runs:
        """What Talos makes of the merged config."""
        talos, addresses = self.platform.talos, self.platform.machines[self.name].addresses
        return Runs(self.name, self.role, self._config, talos.version, talos.kubernetes, addresses)

    @property
    def programs(self) -> Mapping[str, Program]:
        """What Talos runs for Kubernetes, by name: the kubelet, and on a control plane etcd and the static pods too."""
        return self.runs.programs

    @property
    def kubelet(self) -> Mapping[str, Any]:
        """The KubeletConfiguration that Talos writes, by field."""
        return self.runs.kubelet

    def kubelet_origin(self, field: str) -> str:
        """Where a field of the KubeletConfiguration comes from."""
        written = section(self._config)
        path = (*written.path, *settings_path(self._config), field)
        if at(written.value, *settings_path(self._config), field) == self.kubelet.get(field):
            return self.origins.of(written.key, path)
        return f"Talos {self.platform.talos.version}"

    @property
    def kernel(self) -> tuple[Argument, ...] | None:
        """The kernel arguments once Talos is installed; None where only a schematic's id is known.

        A config adds none to those of the image, because patches of machine.install.extraKernelArgs are refused.
        """
        return image(self.platform, self.name)

    @cached_property
    def _config(self) -> Config:
        return Config(self.documents, self.origins.of)


def effective(platform: Platform, name: str) -> Effective:
    """The effective configuration of one machine."""
    return Effective(platform, name, Origins(list(sources(platform, name))))
