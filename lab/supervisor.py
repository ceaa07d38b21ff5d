"""The process that owns a lab.

`python -m lab.supervisor DIRECTORY LIFELINE` leaves the caller's namespaces, becomes init of new ones, and
starts one child that does the work. When that child ends, for whatever reason, init ends; when init
ends, the kernel ends every process of the lab and drops its mounts and its network with it. So no
cleaning up depends on anybody staying alive to do it.
"""

import json
import os
import socket
import sys
import threading
import time
import traceback
from collections import deque
from pathlib import Path
from typing import Any, NoReturn

from . import borrowed, cgroups, loops, network, sysctls
from .container_node import ContainerNode, carry_out
from .container_runtime import Runtime
from .kernel import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    NEWIPC,
    NEWNET,
    NEWNS,
    NEWPID,
    NEWUTS,
    Process,
    mount,
    unshare,
)
from .layout import Layout
from .node import Node
from .order import Order
from .registry import Registry
from .topology import FIRST_ID, Machine


class Supervisor:
    """The only process that changes the lab: starts nodes, watches them, answers on a socket."""

    def __init__(self, layout: Layout, lifeline: int) -> None:
        self.layout, self.lifeline = layout, lifeline
        self.order = Order.from_json(json.loads((layout.directory / "order.json").read_text()))
        self.topology = self.order.topology
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.kept = False
        self.events: deque[dict[str, Any]] = deque(maxlen=1000)
        self.runtime = Runtime(self.order.runtime) if self.order.runtime else None
        self.nodes = {machine.name: self._node(index, machine) for index, machine in enumerate(self.topology.machines)}

    def _node(self, index: int, machine: Machine) -> Node | ContainerNode:
        if self.runtime:
            return ContainerNode(self.layout, self.topology, machine, runtime=self.runtime, version=self.order.talos)
        return Node(
            self.layout,
            self.topology,
            machine,
            index=index,
            host=self.order.host,
            rootfs=Path(self.order.rootfs),
            runc=Path(self.order.runc),
        )

    def say(self, text: str, *, kind: str = "note") -> None:
        """Keep an event for the clients, and print it to the log."""
        self.events.append({"at": time.time(), "kind": kind, "text": text})
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def run(self) -> None:
        """Set up, then serve and watch until the lab is to end."""
        if self.runtime:
            carry_out(self.runtime.network(self.topology))
        else:
            network.ip(network.bridge(self.topology))
        if self.order.host.shared:
            self._share()
        Registry(
            self.layout.store / "images",
            self.topology.gateway,
            self.topology.registry_port,
            pki=self.layout.pki,
            missing=lambda image: self.say(
                f"a node pulled {image}, which the registry does not have", kind="missing-image"
            ),
        )
        threading.Thread(target=self._lifeline, daemon=True).start()
        threading.Thread(target=self._serve, args=(self._listen(),), daemon=True).start()
        self.say("ready")
        while not self.ended.wait(1.0):
            for node in self.nodes.values():
                try:
                    with self.lock:
                        event = node.watch()
                except Exception as error:
                    node.wanted, event = False, f"{node.machine.name} is stopped and not started again: {error}"
                    node.trouble = str(error)
                if event:
                    self.say(event, kind="node")
        self.say("ending")

    def _share(self) -> None:
        """Make the folder and the loop devices that all nodes have."""
        owner = FIRST_ID if self.order.host.user_namespace else 0
        self.layout.shared.mkdir(mode=0o711, exist_ok=True)
        os.chown(self.layout.shared, owner, owner)
        devices = loops.lend(self.layout.loops, owner)
        self.say(f"nodes share a folder and {len(devices)} loop devices")

    def _lifeline(self) -> None:
        """End when the owner has ended, unless the lab is to be kept.

        The owner holds the other end of the pipe, so its death is the end of file.
        """
        try:
            while os.read(self.lifeline, 1):
                pass
        except OSError:
            pass
        if not self.kept:
            self.ended.set()

    def _listen(self) -> socket.socket:
        handle, address = self.layout.socket_address()
        try:
            (self.layout.directory / "control").unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(address)
            (self.layout.directory / "control").chmod(0o600)
            listener.listen(16)
        finally:
            os.close(handle)
        return listener

    def _serve(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rw") as stream:
            for line in stream:
                try:
                    answer = {"ok": self.answer(**json.loads(line))}
                except Exception as error:
                    print(traceback.format_exc(), flush=True)
                    answer = {"error": str(error)}
                try:
                    stream.write(json.dumps(answer) + "\n")
                    stream.flush()
                except OSError:
                    return

    def answer(self, op: str, node: str = "", wipe: bool = False) -> Any:
        """Carry out one request, and return its result. Raises ValueError if there is no such request."""
        match op:
            case "start":
                with self.lock:
                    self.nodes[node].start()
                self.say(f"{node} is on")
            case "stop":
                with self.lock:
                    self.nodes[node].stop()
                self.say(f"{node} is off")
            case "keep":
                self.kept = True
            case "end":
                self.ended.set()
            case "status":
                return {
                    "nodes": {name: self._status(one) for name, one in self.nodes.items()},
                    "events": list(self.events),
                    "kept": self.kept,
                }
            case _:
                raise ValueError(f"no such request: {op}")
        return None

    @staticmethod
    def _status(node: Node | ContainerNode) -> dict[str, Any]:
        return {
            "running": node.running,
            "wanted": node.wanted,
            "trouble": node.trouble,
            "starts": node.starts,
            "pid": node.process.pid if node.process else None,
            "address": node.machine.address,
        }


def _private_view() -> None:
    """Keep the lab's mounts inside, and have /proc show its processes alone."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _init(layout: Layout, lifeline: int, private: bool) -> NoReturn:
    """Process 1 of the lab: start the supervisor, reap ended processes, end with the supervisor."""
    if private:
        _private_view()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            Supervisor(layout, lifeline).run()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            borrowed.settle(ending=layout.identity)
            os._exit(status)
    while True:
        pid, _ = os.wait()
        if pid == child:
            os._exit(0)


def main(directory: str, lifeline: int) -> None:
    """Create the namespaces, record their init in a file, and detach from it."""
    layout = Layout(Path(directory))
    order = Order.from_json(json.loads((layout.directory / "order.json").read_text()))
    # Containers of a runtime are on its own bridge, in the computer's network: that is where the registry must be.
    if not order.runtime:
        unshare(NEWPID | NEWNS | NEWNET | NEWIPC | NEWUTS)
    # Held open by the lab's init and supervisor, never closed: they count the lab as running.
    for setting in borrowed.OF_NODES:
        setting.borrow(layout.identity)
    if order.host.bpf:
        borrowed.PERF_EVENTS.borrow(layout.identity)
    go, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        # Start only after the parent has recorded this init, so that cleanup can find it. Without the byte, exit.
        if os.read(go, 1) != b"g":
            os._exit(1)
        os.close(go)
        _init(layout, lifeline, private=not order.runtime)
    process = Process.at(child)
    assert process is not None
    # Without a user namespace a kubelet writes settings of the whole computer: the end of the lab restores them.
    layout.record(
        process,
        cgroups=[str(path) for path in cgroups.of_lab(layout.identity)],
        sysctls=sysctls.read(),
        remove=Runtime(order.runtime).remove(order.topology) if order.runtime else [],
    )
    os.write(ready, b"g")
    # The child runs on after this process ends, as a child of the computer's init.


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
