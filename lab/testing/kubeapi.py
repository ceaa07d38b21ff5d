"""A plain Kubernetes API on the loopback: etcd and kube-apiserver, no node. Ready in a few seconds."""

import base64
import http.client
import json
import secrets
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import speed
from lab.kernel import die_with_parent
from lab.waiting import wait_for

_ADDRESS = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Free ports. All are held until the last is chosen, so that no two are the same."""
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind((_ADDRESS, 0))
            ports.append(listener.getsockname()[1])
    return ports


class KubernetesAPI:
    """Started by `with`; ended, and its data with it, at the end of the block."""

    def __init__(self, directory: Path, binaries: Mapping[str, Path], *, extra_arguments: Sequence[str] = ()) -> None:
        self.directory = directory
        self._binaries = binaries
        self._extra = extra_arguments
        self._token = secrets.token_urlsafe(24)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self.port = 0

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"https://{_ADDRESS}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """A file with cluster-admin access."""
        return self.directory / "kubeconfig"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        client, peer, self.port = free_ports(3)
        try:
            self._secrets()
            self._etcd(client, peer)
            self._apiserver(client)
            wait_for("kube-apiserver", self._ready, seconds=60, every=0.1)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End both processes, the API first."""
        for process in reversed(self._started.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=speed.deadline(5))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(timeout=speed.deadline(10))
        self._started.clear()

    def _secrets(self) -> None:
        pki = [str(self._binaries["lab-tools"]), "pki", str(self.directory), _ADDRESS, "localhost"]
        subprocess.run(pki, check=True, timeout=speed.deadline(20))
        (self.directory / "tokens.csv").touch(mode=0o600)
        (self.directory / "tokens.csv").write_text(f'{self._token},admin,admin,"system:masters"\n')
        authority = base64.b64encode((self.directory / "ca.crt").read_bytes()).decode()
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [
                        {"name": "lab", "cluster": {"server": self.url, "certificate-authority-data": authority}}
                    ],
                    "users": [{"name": "admin", "user": {"token": self._token}}],
                    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
                    "current-context": "lab",
                }
            )
        )

    def _spawn(self, name: str, *arguments: str) -> None:
        with (self.directory / f"{name}.log").open("wb") as log:
            self._started[name] = subprocess.Popen(
                [str(self._binaries[name]), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=die_with_parent,
            )

    def _etcd(self, client: int, peer: int) -> None:
        clients, peers = f"http://{_ADDRESS}:{client}", f"http://{_ADDRESS}:{peer}"
        self._spawn(
            "etcd",
            "--name=lab",
            f"--data-dir={self.directory / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=lab={peers}",
        )

    def _apiserver(self, etcd: int) -> None:
        at = self.directory
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://{_ADDRESS}:{etcd}",
            f"--bind-address={_ADDRESS}",
            f"--secure-port={self.port}",
            f"--advertise-address={_ADDRESS}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={at / 'server.crt'}",
            f"--tls-private-key-file={at / 'server.key'}",
            f"--token-auth-file={at / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at / 'sa.pub'}",
            f"--service-account-signing-key-file={at / 'sa.key'}",
            "--service-cluster-ip-range=10.43.0.0/24",
            *self._extra,
        )

    def _ready(self) -> bool:
        for name, process in self._started.items():
            if process.poll() is not None:
                tail = (self.directory / f"{name}.log").read_text(errors="replace")[-800:]
                raise SystemError(f"{name} ended with {process.returncode}: {tail}")
        trust = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        connection = http.client.HTTPSConnection(_ADDRESS, self.port, timeout=2, context=trust)
        try:
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {self._token}"})
            return connection.getresponse().status == 200
        finally:
            connection.close()
