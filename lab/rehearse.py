"""`./bedplate rehearse STACK`: the real program, brought up for real on this machine, and taken down again.

Each phase proves one thing and has a deadline. A failure names the phase and what it waited for,
and everything ends cleanly whatever happens.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from components.platform import classes, included
from lab import bench, cleanup, container_runtime, fidelity, overlay, preflight
from lab.engine import Engine, Run
from lab.layout import Layout
from lab.session import Lab
from lab.talosapi import Clients
from lab.times import Times
from lab.topology import Topology
from lab.waiting import wait_for

HELLO_PORT = overlay.NODE_PORT
LABEL, TAINT = ("bedplate.rehearsal/seen", "yes"), ("bedplate.rehearsal/seen", "yes:PreferNoSchedule")
NEW_MIRROR = "registry.rehearsal.example.com"


class Refused(RuntimeError):
    """The machine lacks something; each line says what."""


class NotShown(RuntimeError):
    """The rehearsal ran, and something it looks for was not there."""


def see(holds: object, what: str) -> None:
    """Raise unless what the rehearsal set out to show is so."""
    if not holds:
        raise NotShown(what)


def by_hand(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """A change that somebody could make to this object with kubectl: one truth value or one label of its own."""
    inputs = resource.get("inputs") or {}
    if not resource["type"].startswith("kubernetes:") or not {"apiVersion", "kind"} <= inputs.keys():
        return None
    for key, value in sorted((inputs.get("spec") or {}).items()):
        if isinstance(value, bool):
            return {"spec": {key: not value}}
    labels = (inputs.get("metadata") or {}).get("labels") or {}
    for key in sorted(labels):
        # Values of the pod security labels are checked by the API.
        if "pod-security" not in key:
            return {"metadata": {"labels": {key: "edited-by-hand"}}}
    return None


def address(resource: Mapping[str, Any]) -> list[str]:
    """How kubectl is told which object a resource of the state is."""
    group, _, version = resource["inputs"]["apiVersion"].rpartition("/")
    namespace, _, name = resource["id"].rpartition("/")
    kind = f"{resource['inputs']['kind']}.{version}.{group}"
    return [kind if group else resource["inputs"]["kind"], name, *(["--namespace", namespace] if namespace else [])]


class Rehearsal:
    """One rehearsal of one stack."""

    def __init__(self, stack: str, *, root: Path, checkout: Path, keep: bool = False) -> None:
        self.stack, self.root, self.checkout, self.keep = stack, root, checkout, keep
        self.layout = Layout.of(root, stack)
        self.times = Times(root / "lab" / f"{stack}.times.json")
        document = yaml.safe_load((checkout / f"Pulumi.{stack}.yaml").read_text())
        self.committed: dict[str, Any] = dict(included(document["config"]["bedplate:platform"], checkout))
        # As the program reads it: with its included files and its machines' classes.
        classes.resolve(self.committed)
        for put_in in ("include", "classes"):
            self.committed.pop(put_in, None)
        for machine in self.committed["machines"].values():
            machine.pop("class", None)
        # Docker or Podman with the official image are closer to what Talos' authors run than anything made here.
        self.runtime = container_runtime.find(bench.versions().talos)
        self.host = preflight.host(contained=self.runtime is not None)
        self.topology: Topology = overlay.topology(stack, self.committed, user_namespace=self.host.user_namespace)
        self.before = cleanup.Snapshot()
        self.platform: dict[str, Any] = {}
        self.changes: list[overlay.Change] = []
        self.binaries: dict[str, Path] = {}
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
            with self.times.phase("what stands"):
                self.stands()
            with self.times.phase("up again"):
                self.again()
            with self.times.phase("a change"):
                self.change()
            with self.times.phase("a change by hand"):
                self.drift()
                self.machine_drift()
            if len(self.topology.machines) == 1:
                with self.times.phase("a restore"):
                    self.restore()
            if len(self.topology.machines) >= 3:
                with self.times.phase("lost machines"):
                    self.loss()
                with self.times.phase("an up with machines down"):
                    self.unreachable()
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
        shutil.rmtree(self.layout.directory / "stack", ignore_errors=True)

    def start(self) -> None:
        """Every machine of the stack in maintenance mode."""
        order = bench.order(self.layout, self.topology, self.binaries, self.host,
                            stand_ins=overlay.stand_ins(self.committed),
                            runtime=self.runtime.program if self.runtime else "")
        self.lab = Lab.start(self.layout, order)
        if self.keep:
            self.lab.keep()
        from runner.environment import tools
        from toolchain import Layout as Toolchain

        self.engine = Engine(self.lab, checkout=self.checkout, pulumi=self.binaries["pulumi"], stack=self.stack,
                             environment=tools(Toolchain.of(self.checkout), os.environ))
        self.clients = Clients(self.lab, self.binaries, self.engine.home)
        chart = bench.chart(self.layout.directory / "chart", version=self.committed["cilium"]["version"],
                            replicas=max(1, sum(machine.role == "worker" for machine in self.topology.machines)))
        offer = overlay.Bench(kubernetes=bench.versions().kubernetes, chart=str(chart),
                              trust=bench.trust(self.layout), cgroup_v2=self.host.cgroup_v2,
                              user_namespace=self.host.user_namespace)
        self.platform, self.changes = overlay.rehearsed(self.committed, self.topology, offer)
        for change in self.changes:
            self.times.say(f"not as in the stack: {change.where}: {change.now} ({change.why})")
        for machine in self.topology.machines:
            self.lab.start_node(machine.name)
        for machine in self.topology.machines:
            wait_for(f"{machine.name}: the maintenance API at {machine.address}",
                     lambda at=machine.address: self.clients.maintenance(at), seconds=60)

    def _up(self, *more: str, seconds: float) -> Run:
        pack = self.checkout / "policy" / "pack"
        judged = [f"--policy-pack={pack}"] if pack.exists() else []
        run = self.engine.run("up", "--yes", "--skip-preview", *judged, *more, seconds=seconds, say=self._line)
        self.lab.check()
        return run

    def _line(self, line: str) -> None:
        if " created" in line or " updated" in line or " deleted" in line or "error" in line.lower():
            self.times.say(f"  {line.strip()}")

    def up(self) -> None:
        """The first `up`, from maintenance mode to a platform that stands."""
        self.engine.write(self.platform)
        self.engine.init()
        begun = self.times.now
        run = self._up(seconds=600 + 120 * len(self.topology.machines))
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
        return sum((self.layout.node(machine.name) / "console.log").read_text(errors="replace").count("bootstrap request received")
                   for machine in self.topology.machines)

    def stands(self) -> None:
        """Nodes Ready, one bootstrap, every control plane in etcd, pods, services and names."""
        names = {machine.name for machine in self.topology.machines}
        planes = {machine.name for machine in self.topology.machines if machine.role == "controlplane"}
        wait_for(f"all of {', '.join(sorted(names))} Ready", lambda: self.clients.ready() == names, seconds=240, every=1)
        self.times.fact("nodes_ready_after_command", self.times.now)
        see(self.bootstraps() == 1, f"etcd was bootstrapped {self.bootstraps()} times, not once")
        members = self.clients.talos("etcd", "members", "--nodes", self.first)
        see(all(name in members for name in planes), f"etcd has not all of {', '.join(sorted(planes))}: {members}")
        for machine in self.topology.machines:
            answer = wait_for(f"the Deployment hello through {machine.name}",
                              lambda at=machine.address: self.clients.ask(f"http://{at}:{HELLO_PORT}/"), seconds=120)
            self.times.say(f"  through {machine.name}: {answer}")
        name = "hello.bedplate-rehearsal.svc.cluster.local"
        wait_for(f"a pod to resolve {name}",
                 lambda: self.clients.ask(f"http://{self.first}:{HELLO_PORT}/resolve?name={name}"), seconds=120)
        for name, workload in (self.platform.get("workloads") or {}).items():
            if workload.get("port") and workload.get("replicas", 1):
                url = f"http://{name}.{workload.get('namespace', 'apps')}:{workload['port']}/"
                answer = wait_for(f"the workload {name} at {url}", lambda url=url: self.clients.ask(
                    f"http://{self.first}:{HELLO_PORT}/get?url={url}"), seconds=120)
                self.times.say(f"  {name}: {answer}")
        # Named, since members find each other through the discovery service, which a platform may do without.
        told = [f"--{'control-plane' if role == 'controlplane' else 'worker'}-nodes="
                + ",".join(machine.address for machine in self.topology.machines if machine.role == role)
                for role in sorted({machine.role for machine in self.topology.machines})]
        self.clients.talos("health", "--wait-timeout=120s", "--nodes", self.first, *told, seconds=130)

    def again(self) -> None:
        """A second `up` and a preview change nothing."""
        self._up("--expect-no-changes", seconds=180)
        self.engine.run("preview", "--expect-no-changes", seconds=120)
        see(self.bootstraps() == 1, "the second up bootstrapped etcd again")

    def change(self) -> None:
        """A label, a taint and a mirror added to the stack file arrive on the node."""
        name = next(machine.name for machine in self.topology.machines if machine.address == self.first)
        machine = self.platform["machines"][name]
        machine["labels"] = {**machine.get("labels", {}), LABEL[0]: LABEL[1]}
        machine["taints"] = {**machine.get("taints", {}), TAINT[0]: TAINT[1]}
        self.platform["registries"]["mirrors"][NEW_MIRROR] = {"endpoints": [self.topology.registry]}
        self.engine.write(self.platform)
        self._up(seconds=300)
        labels = {one["spec"]["key"]: one["spec"]["value"] for one in self.clients.resource(self.first, "nodelabelspec")}
        see(labels.get(LABEL[0]) == LABEL[1], f"the label did not arrive on {name}: {labels}")
        taints = {one["spec"]["key"] for one in self.clients.resource(self.first, "nodetaintspec")}
        see(TAINT[0] in taints, f"the taint did not arrive on {name}: {taints}")
        hosts = self.clients.talos("read", f"/etc/cri/conf.d/hosts/{NEW_MIRROR}/hosts.toml", "--nodes", self.first)
        see(self.topology.registry in hosts, f"the mirror did not arrive on {name}: {hosts}")
        wait_for(f"the label and the taint on the Node {name}", lambda: self._on_node(name), seconds=60)

    def _on_node(self, name: str) -> bool:
        node = self.clients.get("node", name)
        taints = {taint["key"] for taint in node["spec"].get("taints", [])}
        return node["metadata"]["labels"].get(LABEL[0]) == LABEL[1] and TAINT[0] in taints

    def drift(self) -> None:
        """An object of the stack that somebody edits by hand is seen by a refresh, and put right by an `up`."""
        found = [(one, edit) for one in self.engine.state() if (edit := by_hand(one)) is not None]
        if not found:
            self.times.say("  the rehearsed stack has no Kubernetes object of its own: not shown")
            self.times.fact("drift", "not shown: the rehearsed stack has no object of its own")
            return
        target, edit = found[0]
        what = f"{target['inputs']['kind']} {target['id']}"
        self.clients.kube("patch", *address(target), "--type=merge", f"--patch={json.dumps(edit)}")
        self.times.say(f"  edited {what} by hand: {json.dumps(edit)}")
        seen = self.engine.run("preview", "--refresh", "--expect-no-changes", seconds=180, check=False)
        see(seen.code != 0, f"{what} was edited by hand, and a preview with --refresh saw no change")
        self._up("--refresh", seconds=300)
        self.engine.run("preview", "--refresh", "--expect-no-changes", seconds=180)
        self.times.fact("drift", f"seen and put right: {what}")

    def machine_drift(self) -> None:
        """A machine's config that somebody edits by hand: `drift` names the field, and an `up` of that machine puts it right."""
        see(self._drift() == {}, f"machines differ from what was declared: {self._drift()}")
        name = next(machine.name for machine in self.topology.machines if machine.address == self.first)
        patch = json.dumps({"machine": {"nodeLabels": {"bedplate.rehearsal/by-hand": "yes"}}})
        self.clients.talos("patch", "machineconfig", "--mode=no-reboot", f"--patch={patch}", "--nodes", self.first)
        found = self._drift()
        see(found == {name: ["machine.nodeLabels.bedplate.rehearsal/by-hand"]}, f"drift tells {found}")
        self.times.say(f"  edited {name}'s config by hand: drift tells {found}")
        self._up("--target-replace", f"**ConfigurationApply::talos-{name}", seconds=300)
        see(self._drift() == {}, f"still drifted after the up: {self._drift()}")
        self.times.fact("machine_drift", found)

    def _drift(self) -> dict[str, list[str]]:
        """Machines that differ, and in which fields."""
        told = self.lab.run([sys.executable, "-m", "drift", self.stack, "--json"], seconds=60, env=self.engine.environment,
                            cwd=self.checkout, check=False)
        if told.returncode not in (0, 7):
            raise NotShown(f"drift ended with {told.returncode}: {told.stderr[-500:]}")
        found = json.loads(told.stdout)
        unread = [f"{one['machine']}: {one['unread']}" for one in found if one["unread"]]
        see(not unread, f"drift could not read {'; '.join(unread)}")
        # Nodes run the release that is built here, whatever image they would install.
        paths = {one["machine"]: [each["path"] for each in one["differences"] if each["document"] != "Talos"] for one in found}
        return {machine: fields for machine, fields in paths.items() if fields}

    def restore(self) -> None:
        """The only control plane loses its etcd: a snapshot, put back as docs/day-two.md says, brings back what was then."""
        [node] = self.topology.machines
        kept, lost = (("configmap", f"rehearsal-{when}") for when in ("before", "after"))
        file = self.layout.directory / "db.snapshot"
        self.clients.kube("create", *kept)
        self.clients.talos("etcd", "snapshot", str(file), "--nodes", node.address, seconds=60)
        self.clients.kube("create", *lost)
        self.lab.stop_node(node.name)
        shutil.rmtree(self.layout.node(node.name) / "volumes" / "var" / "lib" / "etcd")
        self.lab.start_node(node.name)
        wait_for("etcd to wait for a bootstrap", lambda: "Preparing" in self.clients.talos("service", "etcd", "--nodes", node.address, seconds=5),
                 seconds=120, every=1)
        self.clients.talos("bootstrap", f"--recover-from={file}", "--nodes", node.address, seconds=60)
        wait_for("the API with what was restored", lambda: self.clients.kube("get", *kept, seconds=5), seconds=240, every=1)
        gone = self.clients.kube("get", "configmaps", "--output=name")
        see(lost[1] not in gone, f"{lost[1]} is younger than the snapshot, and is there: {gone}")
        wait_for(f"{node.name} Ready again", lambda: self.clients.ready() == {node.name}, seconds=240, every=1)
        self.engine.run("preview", "--expect-no-changes", seconds=120)

    def loss(self) -> None:
        """The machine that holds the API's address and a worker lose power: the API goes on, and both come back."""
        names = {machine.name for machine in self.topology.machines}
        holder = self._holder()
        lost = [holder, *[machine.name for machine in self.topology.machines if machine.role == "worker"][:1]]
        for name in lost:
            self.lab.stop_node(name)
        self.times.say(f"  {' and '.join(lost)} off; {holder} held the API's address")
        wait_for("the API at another control plane", lambda: self.clients.kube("get", "--raw=/readyz", seconds=5), seconds=120)
        wait_for(f"{', '.join(lost)} seen as not Ready", lambda: not self.clients.ready() & set(lost), seconds=120, every=1)
        for name in lost:
            self.lab.start_node(name)
        wait_for(f"{', '.join(lost)} Ready again, with what is on their volumes",
                 lambda: self.clients.ready() == names, seconds=300, every=1)
        see(self.bootstraps() == 1, "a machine that came back was bootstrapped")

    def unreachable(self) -> None:
        """An `up` while a worker and a control plane are down fails for those two by name; every other one is changed."""
        machines = {machine.name: machine for machine in self.topology.machines}
        others = [machine for machine in machines.values() if machine.address != self.first]
        down = [next(machine.name for machine in others if machine.role == role) for role in ("controlplane", "worker")]
        # Control planes are changed one after the other: those behind a dead one wait for it, and keep what they have.
        reached = [machine.name for machine in machines.values() if machine.address == self.first or machine.role == "worker"]
        reached = [name for name in reached if name not in down]
        for name in down:
            self.lab.stop_node(name)
        for name in (*down, *reached):
            labels = self.platform["machines"][name].setdefault("labels", {})
            labels[f"{LABEL[0]}-down"] = LABEL[1]
        self.engine.write(self.platform)
        begun = self.times.now
        run = self.engine.run("up", "--yes", "--skip-preview", seconds=400, say=self._line, check=False)
        took = round(self.times.now - begun, 1)
        see(run.code != 0, f"an up succeeded while {' and '.join(down)} were down")
        for name in down:
            at = machines[name].address
            see(f"{name}: the Talos API at {at} did not answer within" in run.text, f"the failed up does not name {name}: {run.text[-2000:]}")
        for name in reached:
            see(f"{name}: the Talos API" not in run.text, f"the up failed for {name} too: {run.text[-2000:]}")
            see(self._labelled(name), f"{name} is up, and its change did not arrive")
        self.times.fact("up_with_machines_down", {"down": down, "changed": reached, "seconds": took})
        for name in down:
            self.lab.start_node(name)
        wait_for(f"{', '.join(down)} Ready again", lambda: self.clients.ready() == machines.keys(), seconds=300, every=1)
        self._up(seconds=300)
        see(all(map(self._labelled, (*down, *reached))), "the next up did not bring the change to the machines that came back")

    def _labelled(self, name: str) -> bool:
        found = self.clients.resource(self.topology.machine(name).address, "nodelabelspec")
        return any(one["spec"]["key"] == f"{LABEL[0]}-down" for one in found)

    def _holder(self) -> str:
        """The control plane that holds the API's virtual address now."""
        endpoint = self.committed["network"]["endpoint"]
        for machine in self.topology.machines:
            if machine.role == "controlplane":
                held = self.clients.resource(machine.address, "addressstatus")
                if any(one["spec"]["address"].startswith(f"{endpoint}/") for one in held):
                    return machine.name
        raise NotShown(f"no control plane holds the API's address {endpoint}")

    def destroy(self) -> None:
        """Everything goes but what is protected."""
        run = self.engine.run("destroy", "--yes", "--skip-preview", "--exclude-protected", seconds=600, say=self._line)
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
            print(f"The lab stays. In it, for example:\n"
                  f"  {enter} env TALOSCONFIG={self.clients.home}/talosconfig {self.binaries['talosctl']} dashboard\n"
                  f"  {enter} env KUBECONFIG={self.clients.home}/kubeconfig {self.binaries['kubectl']} get pods -A\n"
                  f"End it with: ./bedplate rehearse stop {self.stack}")
