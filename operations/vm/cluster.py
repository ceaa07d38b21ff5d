"""What Kubernetes has of one virtual machine: itself, its snapshots, and restores of them."""

import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access, CredentialsRefused

_KUBEVIRT = "/apis/kubevirt.io/v1"
_SNAPSHOTS = "/apis/snapshot.kubevirt.io/v1beta1"
Object = Mapping[str, Any]


class Refused(Exception):
    """The command is not carried out: one printable line that says why, and what to do."""


@dataclass(frozen=True)
class Vm:
    """One VM of a stack, in the cluster. Each method raises Refused where the API can't be read or changed."""

    access: Access
    namespace: str
    name: str

    def machine(self) -> Object | None:
        """The VirtualMachine; None if there is none."""
        return self._read(f"{_KUBEVIRT}/namespaces/{self.namespace}/virtualmachines/{self.name}")

    def runs(self) -> bool:
        """Whether there is an instance of it: it runs, starts or stops."""
        path = f"{_KUBEVIRT}/namespaces/{self.namespace}/virtualmachineinstances/{self.name}"
        return self._read(path) is not None

    def snapshots(self) -> list[Object]:
        """Its snapshots, the oldest first."""
        path = f"{_SNAPSHOTS}/namespaces/{self.namespace}/virtualmachinesnapshots"
        with self._errors("the snapshots can't be listed") as tls:
            found = kubernetes.items(self.access, tls, path)
        mine = [each for each in found if _source(each) == self.name]
        return sorted(mine, key=lambda each: str(each["metadata"].get("creationTimestamp")))

    def snapshot(self, name: str) -> Object | None:
        """A snapshot by name; None if there is none."""
        return self._read(f"{_SNAPSHOTS}/namespaces/{self.namespace}/virtualmachinesnapshots/{name}")

    def content(self, name: str) -> Object | None:
        """What a snapshot consists of, by the name in the snapshot's status; None if there is none."""
        return self._read(f"{_SNAPSHOTS}/namespaces/{self.namespace}/virtualmachinesnapshotcontents/{name}")

    def restoring(self, name: str) -> Object | None:
        """A restore by name; None if there is none."""
        return self._read(f"{_SNAPSHOTS}/namespaces/{self.namespace}/virtualmachinerestores/{name}")

    def make(self, manifest: Object) -> None:
        """Create a snapshot or a restore."""
        kind = str(manifest["kind"]).lower() + "s"
        with self._errors(f"the {manifest['kind']} can't be created") as tls:
            kubernetes.post(self.access, tls, f"{_SNAPSHOTS}/namespaces/{self.namespace}/{kind}", manifest)

    def change(self, patch: Object) -> None:
        """Change fields of the VirtualMachine; None removes one."""
        path = f"{_KUBEVIRT}/namespaces/{self.namespace}/virtualmachines/{self.name}"
        with self._errors("the VirtualMachine can't be changed") as tls:
            kubernetes.patch(self.access, tls, path, patch)

    def _read(self, path: str) -> Object | None:
        with self._errors(f"{path.rpartition('/')[2]} can't be read") as tls:
            try:
                return kubernetes.read(self.access, tls, path)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                raise

    @contextmanager
    def _errors(self, what: str) -> Iterator[Any]:
        try:
            with self.access.tls() as tls:
                yield tls
        except CredentialsRefused as refused:
            raise Refused(f"{what}: {refused}") from None
        except OSError as error:
            raise Refused(
                f"{what} by the Kubernetes API: {kubernetes.why(error)}; look at it with: kubectl get "
                f"vms,vmsnapshots -n {self.namespace}"
            ) from None


Say = Callable[[str], None]


def _source(snapshot: Object) -> str:
    return str(((snapshot.get("spec") or {}).get("source") or {}).get("name"))


def merging(has: Any, wanted: Any) -> Any:
    """The merge patch that makes one value another: keys that it does not have become None."""
    if not isinstance(has, Mapping) or not isinstance(wanted, Mapping):
        return wanted
    gone = {key: None for key in has if key not in wanted}
    return gone | {key: merging(has.get(key), value) for key, value in wanted.items() if has.get(key) != value}
