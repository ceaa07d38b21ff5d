"""`./bedplate rehearse STACK`: the real program, brought up for real on this machine, and taken down again.

Each phase proves one thing and has a deadline. A failure names the phase and what it waited for,
and everything ends cleanly whatever happens.
"""

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from core.model import StackFileError, stackfile

from . import bench, cleanup, container_runtime, fidelity, overlay, preflight
from .engine import Engine, Run
from .layout import Layout
from .phases import PHASES
from .session import Lab
from .shown import see
from .talosapi import Clients
from .times import Times
from .topology import Topology
from .waiting import wait_for


class Refused(RuntimeError):
    """The machine lacks something; each line says what."""


def committed(stack: str, checkout: Path) -> dict[str, Any]:
    """The platform of a stack file as its keys to their values, with includes and classes put in.

    Raises Refused where the stack file has faults.
    """
    try:
        return stackfile.written_out(checkout / f"Pulumi.{stack}.yaml", root=checkout, today=date.today())
    except StackFileError as error:
        raise Refused(error.report) from None


class Rehearsal:
    """One rehearsal of one stack."""

    def __init__(
        self, stack: str, *, root: Path, checkout: Path, keep: bool = False, only: Collection[str] = ()
    ) -> None:
        """only: the names of the phases that are to be shown; all that fit where there are none."""
        self.only = frozenset(only)
        self.stack, self.root, self.checkout, self.keep = stack, root, checkout, keep
        self.layout = Layout.of(root, stack)
        self.times = Times(root / "lab" / f"{stack}.times.json")
        self.committed = committed(stack, checkout)
        # Docker or Podman with the official image are closer to what Talos' authors run than anything made here.
        self.runtime = container_runtime.find(bench.versions().talos)
        self.host = preflight.host(contained=self.runtime is not None)
        self.topology: Topology = overlay.topology(stack, self.committed, user_namespace=self.host.user_namespace)
        self.before = cleanup.Snapshot()
        self.platform: dict[str, Any] = {}
        self.changes: list[overlay.Change] = []
        self.binaries: dict[str, Path] = {}
        # Where `up` saves etcd before an upgrade, and what a job of the cluster saved.
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

    def run(self) -> None:
        """All of it. The lab is gone at the end, unless it is to be kept."""
        with self.times.phase("look at the machine"):
            self.look()
        with self.times.phase("toolchain"):
            self.binaries = bench.binaries("plan", "lab")
        self.before = cleanup.Snapshot.take()
        try:
            with self.times.phase("nodes"):
                self.start()
            with self.times.phase("up"):
                self.up()
            for phase in PHASES:
                if phase.fits(self) and (not self.only or phase.name in self.only):
                    with self.times.phase(phase.name):
                        phase.show(self)
            if not self.keep:
                with self.times.phase("destroy"):
                    self.destroy()
        except BaseException:
            self.explain()
            raise
        finally:
            if not self.keep:
                with self.times.phase("end"):
                    self.end()
        self.close()

    def look(self) -> None:
        """Preflight, and an earlier rehearsal's remains."""
        findings = preflight.examine(len(self.topology.machines), contained=self.runtime is not None)
        if self.runtime:
            self.times.say(f"nodes are containers of {self.runtime.program}, with the official Talos image")
        for finding in findings:
            if not finding.ok:
                print(f"  {finding}")
        if lacking := [finding.text for finding in findings if finding.fatal and not finding.ok]:
            raise Refused("this machine can't run a rehearsal:\n" + "\n".join(f"  {text}" for text in lacking))
        for said in cleanup.stop(self.layout):
            self.times.say(f"from an earlier run: {said}")
        for folder in (*(self.layout.directory / state for state in ("stack", "adopted")), self.snapshots):
            shutil.rmtree(folder, ignore_errors=True)

    def start(self) -> None:
        """Every machine of the stack in maintenance mode."""
        order = bench.order(
            self.layout,
            self.topology,
            self.binaries,
            self.host,
            stand_ins=overlay.stand_ins(self.committed),
            talosctl=overlay.talosctl(self.committed),
            runtime=self.runtime.program if self.runtime else "",
        )
        self.lab = Lab.start(self.layout, order)
        if self.keep:
            self.lab.keep()
        from runner.environment import tools
        from toolchain import Layout as Toolchain

        self.engine = Engine(
            self.lab,
            checkout=self.checkout,
            pulumi=self.binaries["pulumi"],
            stack=self.stack,
            environment=tools(Toolchain.of(self.checkout), os.environ),
        )
        self.clients = Clients(self.lab, self.binaries, self.engine.home)
        chart = bench.chart(
            self.layout.directory / "chart",
            version=self.committed["cilium"]["version"],
            replicas=max(1, sum(machine.role == "worker" for machine in self.topology.machines)),
        )
        offer = overlay.Bench(
            kubernetes=bench.versions().kubernetes,
            chart=str(chart),
            snapshots=str(self.snapshots),
            trust=bench.trust(self.layout),
            cgroup_v2=self.host.cgroup_v2,
            user_namespace=self.host.user_namespace,
        )
        self.platform, self.changes = overlay.rehearsed(self.committed, self.topology, offer)
        for change in self.changes:
            self.times.say(f"not as in the stack: {change.where}: {change.now} ({change.why})")
        for machine in self.topology.machines:
            self.lab.start_node(machine.name)
        for machine in self.topology.machines:
            wait_for(
                f"{machine.name}: the maintenance API at {machine.address}",
                lambda at=machine.address: self.clients.maintenance(at),
                seconds=60,
            )

    def update(self, *more: str, seconds: float) -> Run:
        pack = self.checkout / "policy" / "pack"
        judged = [f"--policy-pack={pack}"] if pack.exists() else []
        run = self.engine.run("up", "--yes", "--skip-preview", *judged, *more, seconds=seconds, say=self.line)
        self.lab.check()
        return run

    def line(self, line: str) -> None:
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
        """Take the credentials that the platform handed out."""
        others = [m.address for m in self.topology.machines if m.role == "controlplane" and m.address != self.first]
        self.clients.trust(*self.engine.credentials(), [self.first, *others])

    def bootstraps(self) -> int:
        """How often any node was asked to bootstrap etcd, from the nodes' own logs."""
        return sum(
            (self.layout.node(machine.name) / "console.log")
            .read_text(errors="replace")
            .count("bootstrap request received")
            for machine in self.topology.machines
        )

    def destroy(self) -> None:
        """Everything goes but what is protected."""
        run = self.engine.run("destroy", "--yes", "--skip-preview", "--exclude-protected", seconds=600, say=self.line)
        left = sorted(resource["type"] for resource in self.engine.state() if resource.get("protect"))
        self.times.fact("kept_by_destroy", left)
        see(any("Secrets" in kind for kind in left), f"destroy took the PKI with it: {run.text[-300:]}")

    def explain(self) -> None:
        """What the lab knows when something failed."""
        if not hasattr(self, "lab"):
            return
        try:
            for event in self.lab.events():
                if event["kind"] != "note":
                    self.times.say(f"lab: {event['text']}")
        except (OSError, RuntimeError) as error:
            self.times.say(f"lab: {error}")
        kept = self.root / "lab" / f"{self.stack}.failed"
        shutil.rmtree(kept, ignore_errors=True)
        for machine in self.topology.machines:
            log = self.layout.node(machine.name) / "console.log"
            if log.exists():
                kept.mkdir(exist_ok=True)
                shutil.copyfile(log, kept / f"{machine.name}.log")
        for name, ask in {
            "pods.txt": lambda: self.clients.kube("get", "nodes,pods", "-A", "-o", "wide"),
            "events.txt": lambda: self.clients.kube("get", "events", "-A", "--sort-by=.lastTimestamp"),
            "etcd.txt": lambda: self.clients.talos("etcd", "members", "--nodes", self.first),
        }.items():
            try:
                self.trust()
                (kept / name).write_text(ask())
            except (OSError, RuntimeError, LookupError) as error:
                self.times.say(f"{name}: {str(error).splitlines()[0]}")
        if kept.exists():
            self.times.say(f"the nodes' logs are in {kept}")

    def end(self) -> None:
        """End the lab, then look whether anything of it is left."""
        # A lab's processes have namespaces of their own: who is in none of those any more is gone.
        own = cleanup.namespaces_of(self.lab.init.pid) if hasattr(self, "lab") and not self.runtime else set()
        if hasattr(self, "lab"):
            self.lab.stop()
        cleanup.stop(self.layout)
        left = cleanup.left_in(own)
        see(not left, f"still running: {', '.join(left)}")
        self.times.fact("namespaces_ended", len(own))
        difference = self.before.difference(cleanup.Snapshot.take(), self.layout.name)
        # Others work on the machine too: of these, only the lab's own were looked for.
        difference.pop("processes", None)
        difference.pop("namespaces", None)
        self.times.fact("left_behind", difference)
        see(not difference, f"the machine is not as it was before: {json.dumps(difference)}")

    def close(self) -> None:
        """The report."""
        self.times.fact("changes", [asdict(change) for change in self.changes])
        print("\n" + fidelity.report(self.changes))
        self.times.say(f"rehearsed {self.stack}; times are in {self.times.file}")
        if self.keep:
            enter = f"nsenter --target={self.lab.init.pid} --net --pid --mount --ipc"
            print(
                f"The lab stays. In it, for example:\n"
                f"  {enter} env TALOSCONFIG={self.clients.home}/talosconfig {self.binaries['talosctl']} dashboard\n"
                f"  {enter} env KUBECONFIG={self.clients.home}/kubeconfig {self.binaries['kubectl']} get pods -A\n"
                f"End it with: ./bedplate rehearse stop {self.stack}"
            )
