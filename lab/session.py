"""The rehearsal's library: start a lab, talk to it, run commands in it, end it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import cleanup, speed
from .kernel import Process
from .layout import Layout
from .order import Order
from .waiting import wait_for

HERE = Path(__file__).resolve().parent.parent


@dataclass
class Lab:
    """A running lab. Used with `with`, it ends at the end of the block."""

    layout: Layout
    order: Order
    init: Process
    _lifeline: int = -1

    @classmethod
    def start(cls, layout: Layout, order: Order, *, seconds: float = 20) -> Self:
        """Start a lab, after removing what an earlier one of the same name left behind.

        The lab ends with the calling process, even a killed one, until `keep` is called. Raises RuntimeError with the
        end of its log if it does not start.
        """
        cleanup.stop(layout)
        layout.directory.mkdir(parents=True, exist_ok=True)
        layout.directory.chmod(0o700)
        (layout.store / "images").mkdir(parents=True, exist_ok=True)
        (layout.directory / "order.json").write_text(json.dumps(order.as_json(), indent=1))
        theirs, ours = os.pipe()
        with layout.log.open("ab") as log:
            launcher = subprocess.Popen(
                [sys.executable, "-m", "lab.supervisor", str(layout.directory.absolute()), str(theirs)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=HERE,
                pass_fds=(theirs,),
                start_new_session=True,
            )
        os.close(theirs)
        if launcher.wait(timeout=speed.deadline(seconds)) != 0:
            os.close(ours)
            raise RuntimeError(f"lab {layout.name} did not start: {_tail(layout.log)}")
        init = layout.init()
        if init is None:
            os.close(ours)
            raise RuntimeError(f"lab {layout.name} ended at once: {_tail(layout.log)}")
        lab = cls(layout, order, init, ours)
        try:
            wait_for(f"lab {layout.name}: its supervisor", lambda: lab._answers(), seconds=seconds, every=0.05)
        except BaseException:
            lab.stop()
            raise
        return lab

    @classmethod
    def attach(cls, layout: Layout) -> Self:
        """The lab that a `--keep` left running. Raises RuntimeError if there is none."""
        init = layout.init()
        if init is None:
            raise RuntimeError(f"no lab {layout.name} is running")
        return cls(layout, Order.from_json(json.loads((layout.directory / "order.json").read_text())), init)

    def _answers(self) -> bool:
        if not self.init.alive:
            raise RuntimeError(f"its init has ended: {_tail(self.layout.log)}")
        return bool(self.request("status"))

    def request(self, op: str, *, seconds: float = 120, **more: Any) -> Any:
        """As `request`."""
        return request(self.layout, op, seconds=seconds, **more)

    def command(self, argv: Sequence[str], cwd: Path | None = None) -> list[str]:
        """The same command, run inside the lab: its network, its processes, its mounts."""
        enter = [f"--target={self.init.pid}", "--pid", "--net", "--mount", "--ipc"]
        # Not nsenter's --wd, which is opened before it enters: that folder has no path in the lab's mount namespace.
        return ["nsenter", *enter, "--", "env", f"--chdir={cwd or Path.cwd()}", *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        seconds: float,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the lab and take what it prints; it is ended at its deadline.

        Raises RuntimeError at the deadline, and with check=True if the command fails.
        """
        allowed = speed.deadline(seconds)
        with subprocess.Popen(
            self.command(argv, cwd),
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(stdin, timeout=allowed)
            except BaseException as error:
                # The whole process group, because a child of nsenter does the work.
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RuntimeError(
                        f"{Path(argv[0]).name} {' '.join(argv[1:3])}: timed out after {allowed:.0f} s"
                    ) from None
                raise
        done = subprocess.CompletedProcess(list(argv), process.returncode, out, err)
        if check and done.returncode != 0:
            raise RuntimeError(f"{Path(argv[0]).name} {' '.join(argv[1:4])}: {(err or out).strip()[-2000:]}")
        return done

    def start_node(self, name: str) -> None:
        """Power a node on."""
        self.request("start", node=name)

    def stop_node(self, name: str) -> None:
        """Cut a node's power; its volumes stay."""
        self.request("stop", node=name)

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The status of each node: its name to the fields of Supervisor._status."""
        status: dict[str, dict[str, Any]] = self.request("status")["nodes"]
        return status

    def events(self) -> list[dict[str, Any]]:
        """The supervisor's events, oldest first: each with `at`, `kind` and `text`."""
        events: list[dict[str, Any]] = self.request("status")["events"]
        return events

    def check(self) -> None:
        """Raises RuntimeError with the reason if the supervisor had to stop a node."""
        for name, node in self.nodes().items():
            if node["trouble"]:
                raise RuntimeError(f"{name}: {node['trouble']}")

    def keep(self) -> None:
        """Keep the lab running after this process ends."""
        self.request("keep")

    def stop(self) -> None:
        """End the lab and leave nothing of it."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        cleanup.stop(self.layout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not (self.init.alive and self.request("status")["kept"]):
            self.stop()


def request(layout: Layout, op: str, *, seconds: float = 120, **more: Any) -> Any:
    """Send a lab's supervisor a request and wait for its answer. Raises RuntimeError with the supervisor's error."""
    handle, address = layout.socket_address()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(speed.deadline(seconds))
            connection.connect(address)
            with connection.makefile("rw") as stream:
                stream.write(json.dumps({"op": op, **more}) + "\n")
                stream.flush()
                answer = json.loads(stream.readline() or '{"error": "the supervisor closed the connection"}')
    finally:
        os.close(handle)
    if "error" in answer:
        raise RuntimeError(f"lab {layout.name}: {answer['error']}")
    return answer["ok"]


def _tail(path: Path, size: int = 1500) -> str:
    try:
        return path.read_text(errors="replace")[-size:].strip()
    except FileNotFoundError:
        return "it left no log"
