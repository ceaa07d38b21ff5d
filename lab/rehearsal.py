"""One rehearsal of one stack: the computer examined, the nodes started, the platform brought up and taken down."""

import os
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from core.facts.networks import DEFAULT_PODS
from core.loading import stackfile
from runner.environment import tools
from toolchain import Layout as Toolchain

from . import (
    cilium,
    cleanup,
    container_runtime,
    namespaces,
    overlay,
    pod_network,
    preflight,
    prepare,
    shared_storage,
    standins,
    virtualization,
)
from .engine import Engine, Run
from .layout import Layout
from .session import Lab
from .shown import see
from .snapshot import Snapshot
from .talosapi import Clients
from .times import Times
from .topology import Topology, of_platform
from .waiting import wait_for


class Refused(RuntimeError):
    """The machine lacks something; each line names one thing."""


class Rehearsal:
    """What every part of a rehearsal shares: the stack, its lab, the engine and the clients of both APIs."""

    def __init__(
        self,
        stack: str,
        *,
        root: Path,
        checkout: Path,
        keep: bool = False,
        without_vms: bool = False,
        without_cilium: bool = False,
    ) -> None:
        """root: the toolchain's directory of the checkout. keep: leave the lab running at the end.
        without_vms: leave out KubeVirt and what needs it. without_cilium: use a stand-in where Cilium could run.

        Raises StackFileError with every fault of the stack file.
        """
        self.stack, self.root, self.checkout, self.keep = stack, root, checkout, keep
        self.layout = Layout.of(root, stack)
        self.times = Times(root / "lab" / f"{stack}.times.json")
        written = stackfile.written_out(checkout / f"Pulumi.{stack}.yaml", root=checkout, today=date.today())
        self.left_out = [part for part in virtualization.SECTIONS if without_vms and part in written]
        self.committed = {key: value for key, value in written.items() if key not in self.left_out}
        self.virtual = bool(self.committed.get("kubevirt"))
        # Preferred if available: the official image is closer to a real node than an image built here.
        self.runtime = container_runtime.find(prepare.versions().talos)
        host = preflight.host(contained=self.runtime is not None)
        self.network = pod_network.choose(host, wanted=not without_cilium, contained=self.runtime is not None)
        self.host = replace(host, bpf=self.network.real, shared=shared_storage.wanted(self.committed))
        self.topology: Topology = of_platform(
            stack, self.committed, mark=self.layout.mark, user_namespace=self.host.user_namespace
        )
        self.before = Snapshot()
        self.platform: dict[str, Any] = {}
        self.changes: list[overlay.Change] = []
        self.binaries: dict[str, Path] = {}
        # Where `up` saves etcd before an upgrade, and the snapshot that a job of the cluster saved.
        self.snapshots = self.layout.directory / "snapshots"
        self.snapshot: Path | None = None
        self.lab: Lab
        self.engine: Engine
        self.clients: Clients

    @property
    def first(self) -> str:
        """Address of the control plane that is bootstrapped."""
        name = self.committed["talos"].get("bootstrap")
        planes = [machine for machine in self.topology.machines if machine.role == "controlplane"]
        return next((m.address for m in planes if m.name == name), planes[0].address)

    def look(self) -> None:
        """Examine the computer, name the labs of other checkouts, and remove what an earlier rehearsal left.

        Raises Refused if the computer lacks something that a rehearsal needs.
        """
        vms = len(self.committed.get("vms") or ()) if self.virtual else None
        findings = preflight.examine(len(self.topology.machines), contained=self.runtime is not None, vms=vms)
        if self.runtime:
            self.times.say(f"nodes are containers of {self.runtime.program}, with the official Talos image")
        if not self.network.real:
            self.times.say(f"a stand-in makes the network between pods, not Cilium: {self.network.why}")
        for finding in findings:
            if not finding.ok:
                print(f"  {finding}")
        if lacking := [finding.text for finding in findings if finding.fatal and not finding.ok]:
            raise Refused("this computer can't run a rehearsal:\n" + "\n".join(f"  {text}" for text in lacking))
        for line in cleanup.left_alone(self.root):
            self.times.say(line)
        for line in cleanup.stop(self.layout):
            self.times.say(f"from an earlier run: {line}")
        for folder in (*(self.layout.directory / state for state in ("stack", "adopted")), self.snapshots):
            shutil.rmtree(folder, ignore_errors=True)

    def provide(self) -> None:
        """Set up the programs that this rehearsal runs."""
        more = (*virtualization.parts(self.committed), *self.network.parts)
        self.binaries = self.binaries or prepare.provided("plan", "lab", more=more, say=self.times.say)

    def start(self) -> None:
        """Start the lab with every machine of the stack in maintenance mode, and make the rehearsed platform."""
        order = prepare.order(
            self.layout,
            self.topology,
            self.binaries,
            self.host,
            stand_ins=standins.stand_ins(self.committed),
            talosctl=standins.talosctl(self.committed),
            more=[
                *virtualization.images(self.layout.store, self.committed, self.binaries),
                *self.network.images(self.layout.store, self.committed, self.binaries),
            ],
            runtime=self.runtime.program if self.runtime else "",
        )
        self.lab = Lab.start(self.layout, order)
        if self.virtual and not self.runtime and not self.network.real:
            self._route_pods()
        if self.keep:
            self.lab.keep()
        self.engine = Engine(
            self.lab,
            checkout=self.checkout,
            pulumi=self.binaries["pulumi"],
            stack=self.stack,
            environment=tools(Toolchain.of(self.checkout), os.environ),
        )
        self.clients = Clients(self.lab, self.binaries, self.engine.home)
        self.platform, self.changes = overlay.rehearsed(self.committed, self.topology, self._substitutes())
        self.changes += [overlay.left_out(part) for part in self.left_out]
        for change in self.changes:
            self.times.say(f"not as in the stack: {change.where}: {change.now} ({change.why})")
        self._power_on()

    def _route_pods(self) -> None:
        """Let the lab's server answer pods that import disks: Cilium would hide their addresses behind their node's."""
        given = self.committed["network"].get("pods", DEFAULT_PODS)
        for pods in [given] if isinstance(given, str) else given:
            if ":" not in pods:
                self.lab.run(["ip", "route", "replace", pods, "via", self.first], seconds=10)

    def _substitutes(self) -> overlay.Substitutes:
        chart, replicas = self.layout.directory / "chart", sum(m.role == "worker" for m in self.topology.machines)
        if self.network.real:
            pod_network.chart(chart, self.binaries, self.network, replicas=max(1, replicas))
        else:
            prepare.chart(chart, version=self.committed["cilium"]["version"], replicas=max(1, replicas))
        return overlay.Substitutes(
            kubernetes=prepare.versions().kubernetes,
            kubevirt=prepare.versions().kubevirt,
            network=cilium.Network(
                # From the checkout on: no stack file names a chart elsewhere.
                chart=f"./{chart.relative_to(self.layout.checkout)}",
                version=prepare.versions().cilium if self.network.real else "",
                why_not=self.network.why,
                wireguard=self.network.wireguard,
            ),
            disks=virtualization.disks(self.layout, self.topology, self.binaries) if self.virtual else {},
            snapshots=str(self.snapshots),
            trust=prepare.trust(self.layout),
            cgroup_v2=self.host.cgroup_v2,
            user_namespace=self.host.user_namespace,
        )

    def _power_on(self) -> None:
        for machine in self.topology.machines:
            self.lab.start_node(machine.name)
        for machine in self.topology.machines:
            self.wait_for_maintenance(machine.name)

    def wait_for_maintenance(self, name: str) -> None:
        """Wait until a machine answers in maintenance mode. Raises Timeout."""
        address = self.topology.machine(name).address
        wait_for(f"{name}: the maintenance API at {address}", lambda: self.clients.maintenance(address), seconds=60)

    def update(self, *more: str, seconds: float) -> Run:
        """One `up` with the policy pack; `more` are its further arguments.

        Raises Failed if it fails, and RuntimeError if the lab had to stop a node meanwhile.
        """
        pack = self.checkout / "policy" / "pack"
        judged = [f"--policy-pack={pack}"] if pack.exists() else []
        run = self.engine.run("up", "--yes", "--skip-preview", *judged, *more, seconds=seconds, say=self.line)
        self.lab.check()
        return run

    def line(self, line: str) -> None:
        """Print a line of the engine's output, if it reports a resource or an error."""
        if " created" in line or " updated" in line or " deleted" in line or "error" in line.lower():
            self.times.say(f"  {line.strip()}")

    def up(self) -> None:
        """The first `up`, from maintenance mode to a platform that stands."""
        self.engine.write(self.platform)
        self.engine.init()
        begun = self.times.now
        run = self.update(seconds=600 + 120 * len(self.topology.machines))
        ready = run.when(r"ApiReady .* created ")
        if ready is not None:
            self.times.fact("api_ready_after_command", round(begun + ready, 1))
        self.trust()

    def trust(self) -> None:
        """Give the clients the credentials that the platform handed out."""
        others = [m.address for m in self.topology.machines if m.role == "controlplane" and m.address != self.first]
        self.clients.trust(*self.engine.credentials(), [self.first, *others])

    def bootstraps(self) -> int:
        """The number of bootstrap requests that the nodes received, from their own logs."""
        return sum(
            (self.layout.node(machine.name) / "console.log")
            .read_text(errors="replace")
            .count("bootstrap request received")
            for machine in self.topology.machines
        )

    def destroy(self) -> None:
        """Destroy everything that is not protected. Raises NotShown if the PKI was destroyed with it."""
        run = self.engine.run("destroy", "--yes", "--skip-preview", "--exclude-protected", seconds=600, say=self.line)
        left = sorted(resource["type"] for resource in self.engine.state() if resource.get("protect"))
        self.times.fact("kept_by_destroy", left)
        see(any("Secrets" in kind for kind in left), f"destroy removed the PKI: {run.text[-300:]}")

    def end(self) -> None:
        """End the lab, then look for anything that it left. Raises NotShown with what it left."""
        # A lab's processes run in its own namespaces: once these are empty, all its processes have ended.
        own = namespaces.of_lab(self.lab.init.pid) if hasattr(self, "lab") and not self.runtime else set()
        if hasattr(self, "lab"):
            self.lab.stop()
        cleanup.stop(self.layout)
        left = namespaces.left_in(own)
        see(not left, f"still running: {', '.join(left)}")
        self.times.fact("namespaces_ended", len(own))
        difference = self.before.difference(Snapshot.take(self.layout))
        self.times.fact("left_behind", difference)
        see(not difference, f"the lab left something on the computer, or changed it: {difference}")
