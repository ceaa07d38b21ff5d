"""etcd saved before an upgrade, from a real gRPC server with mTLS that streams as Talos does."""

import asyncio
import hashlib
import os
import re
import resource
import stat
import time
from pathlib import Path

import grpc
import pytest

from clients import talos
from provider import framework
from provider.resources import RESOURCES, snapshot
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, stream

pytestmark = pytest.mark.usefixtures("quick")

SAVED = RESOURCES["bedplate-native:talos:Snapshot"]
BEFORE = {"talos": "v1.13.2", "schematic": "3" * 64, "kubernetes": "v1.35.3"}
PAGES = b"".join(bytes([number]) * 512 for number in range(200))
WHOLE = PAGES + hashlib.sha256(PAGES).digest()


class Machine(TalosServer):
    """It streams what it is given in pieces as small as Talos', and ends the stream well whatever it was."""

    def __init__(self, content=WHOLE, *, refuses="", silent=0.0, maintenance=False, pki=None):
        self.content, self.refuses, self.silent, self.asked = content, refuses, silent, 0
        super().__init__(
            pki or Pki(),
            {
                "machine.MachineService": {"EtcdSnapshot": stream(self.snapshot, "EtcdSnapshotRequest", "Data")},
                "cosi.resource.State": {
                    "List": stream(lambda request, context: iter(()), "ListRequest", "ListResponse")
                },
            },
            anonymous=maintenance,
        )

    def snapshot(self, request, context):
        self.asked += 1
        if self.refuses:
            context.abort(grpc.StatusCode.UNAVAILABLE, self.refuses)
        for start in range(0, len(self.content), 1000):
            yield talos.MESSAGES["Data"](bytes=self.content[start : start + 1000])
        if self.silent:
            time.sleep(self.silent)


@pytest.fixture
def machine():
    made = []

    def start(*args, **how):
        made.append(Machine(*args, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def inputs(folder, *machines, client=None, **more):
    return {
        "platform": "prod",
        **BEFORE,
        "nodes": [each.address for each in machines],
        "clientConfiguration": machines[0].client() if client is None else client,
        "folder": str(folder),
        "wanted": True,
        "timeoutSeconds": 20.0,
        "file": None,
        **more,
    }


def upgrade(folder, *machines, said=None, to=None, **more):
    wanted = inputs(folder, *machines, **more)
    state = {**wanted, **BEFORE, "file": ""}
    return asyncio.run(
        SAVED.update(
            "prod", state, {**wanted, **(to or {"talos": "v1.14.2"})}, (said if said is not None else []).append
        )
    )


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_an_upgrade_is_saved_from_first(machine, tmp_path):
    at, said = machine(), []
    outputs = upgrade(tmp_path / "snapshots", at, said=said)
    [file] = (tmp_path / "snapshots").iterdir()
    assert file.read_bytes() == WHOLE and outputs["file"] == str(file) and outputs["talos"] == "v1.14.2"
    assert re.fullmatch(r"prod-\d{8}T\d{6}Z-talos-v1\.13\.2-to-v1\.14\.2\.db", file.name)
    assert said == [f"etcd is saved: {file} (100 KiB), from {at.address}"]


def test_nobody_else_reads_it(machine, tmp_path):
    """It holds every Secret. A loose umask changes nothing."""
    before = os.umask(0)
    try:
        file = upgrade(tmp_path / "snapshots", machine())["file"]
    finally:
        os.umask(before)
    assert (mode(file), mode(tmp_path / "snapshots")) == (0o600, 0o700)


def test_its_name_tells_all_that_moves(machine, tmp_path):
    file = upgrade(tmp_path, machine(), to={"talos": "v1.14.2", "schematic": "4" * 64, "kubernetes": "v1.36.0"})["file"]
    assert file.endswith(
        "Z-talos-v1.13.2-to-v1.14.2-schematic-333333333333-to-444444444444-kubernetes-v1.35.3-to-v1.36.0.db"
    )


def test_the_first_time_nothing_is_asked(tmp_path):
    """There is no etcd yet."""
    given = inputs(tmp_path, client={}, nodes=["192.0.2.1"])
    assert asyncio.run(SAVED.create(given, pytest.fail)) == ("prod", {**given, "file": ""})


def test_where_nothing_is_upgraded_nothing_is_asked(machine, tmp_path):
    at = machine()
    outputs = upgrade(tmp_path, at, to={"nodes": ["192.0.2.1"]})
    assert at.asked == 0 and outputs["file"] == "" and list(tmp_path.iterdir()) == []


def test_one_control_plane_after_the_other_is_asked(machine, tmp_path):
    first = machine(refuses="etcd is not running")
    second, third = machine(pki=first.pki), machine(pki=first.pki)
    said = []
    assert upgrade(tmp_path, first, second, third, said=said)["file"]
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    assert said[0] == f"no snapshot from {first.address}: UNAVAILABLE: etcd is not running"


def failure(folder, *machines, **more):
    with pytest.raises(framework.UserError) as failed:
        upgrade(folder, *machines, **more)
    return str(failed.value)


HOW_ON = (
    "; without a snapshot there is no way back; check etcd with: talosctl etcd status; then run up again, or write"
    " talos.snapshots.before_upgrades: false to upgrade without one"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (WHOLE[:70_000], "its 70000 bytes do not end with a hash, so it is truncated"),
        (b"", "its 0 bytes do not end with a hash, so it is truncated"),
        (PAGES[:51_200] + hashlib.sha256(PAGES).digest(), "its 51232 bytes do not match the hash at their end"),
        (PAGES + bytes(32), "its 102432 bytes do not match the hash at their end"),
    ],
    ids=["cut short", "empty", "cut at a page", "wrong hash"],
)
def test_a_broken_snapshot_is_none(machine, tmp_path, content, says):
    """The machine ends its stream as if all were there."""
    at = machine(content)
    assert (
        failure(tmp_path, at)
        == f"etcd is not saved, and nothing is upgraded: no control plane provided a snapshot ({at.address}:"
        f" {says}){HOW_ON}"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_broken_one_is_followed_by_a_good_one(machine, tmp_path):
    broken = machine(WHOLE[:70_000])
    assert upgrade(tmp_path, broken, machine(pki=broken.pki))["file"]
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [WHOLE]


def test_where_nobody_answers_nothing_is_upgraded(machine, tmp_path):
    at, down = machine(refuses="etcd is not running"), machine()
    down.server.stop(0).wait()
    told = failure(tmp_path, at, down)
    assert told.startswith(
        f"etcd is not saved, and nothing is upgraded: no control plane provided a snapshot ({at.address}: UNAVAILABLE:"
        " etcd is not running; "
    )
    assert f"; {down.address}: ConnectionRefusedError: " in told and told.endswith(HOW_ON)


def test_one_that_falls_silent_is_left_for_the_next(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(talos.client, "SILENT_SECONDS", 0.3)
    at = machine(WHOLE[:2000], silent=2.0)
    assert f"({at.address}: the stream stopped within 0 s)" in failure(tmp_path, at)
    assert list(tmp_path.iterdir()) == []


def test_machines_that_were_never_configured_have_nothing_to_save(machine, tmp_path):
    """A first up that failed before etcd was there must not stand in the way of a newer release."""
    ours = machine()
    fresh, said = [machine(maintenance=True), machine(maintenance=True)], []
    assert upgrade(tmp_path, *fresh, said=said, client=ours.client())["file"] == ""
    assert said[-1] == "no control plane has a config yet: there is no etcd to save" and list(tmp_path.iterdir()) == []


def test_one_fresh_machine_beside_one_that_is_down_is_no_proof(machine, tmp_path):
    down = machine()
    down.server.stop(0).wait()
    assert "no control plane provided a snapshot" in failure(
        tmp_path, machine(maintenance=True), down, client=down.client()
    )


def test_a_link_to_a_folder_of_the_system_is_not_followed(machine, tmp_path):
    """The model judges a path; where it leads, only the computer that writes can tell."""
    at = machine()
    (tmp_path / "snapshots").symlink_to("/etc/cron.d")
    assert f"{tmp_path}/snapshots can't be written (it leads to /etc/cron.d, which belongs to the system)" in failure(
        tmp_path / "snapshots", at
    )
    assert failure("/usr/bedplate-snapshots", at).count("belongs to the system") == 1
    assert not Path("/usr/bedplate-snapshots").exists()


def test_a_folder_that_takes_no_file_is_told_at_once(machine, tmp_path):
    """No machine is to blame, and the next one would not help."""
    (tmp_path / "file").write_text("")
    at = machine()
    folder = tmp_path / "file" / "snapshots"
    assert (
        failure(folder, at, at)
        == f"etcd is not saved, and nothing is upgraded: {folder} can't be written (Not a directory); without a"
        " snapshot there is no way back; free space or change the rights there, or write another folder in"
        " talos.snapshots.folder; then run up again"
    )
    assert at.asked == 0


def test_a_full_disk_leaves_nothing_behind(machine, tmp_path):
    """As the kernel refuses it, by a limit on the size of files."""
    at, before = machine(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        told = failure(tmp_path, at, at)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert told.startswith(
        f"etcd is not saved, and nothing is upgraded: {tmp_path} can't be written (File too large); without a snapshot"
    )
    assert at.asked == 1 and list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot.time, "strftime", lambda *args: "20261126T201500Z")
    at = machine()
    file = upgrade(tmp_path, at)["file"]
    at.content = PAGES[:512] + hashlib.sha256(PAGES[:512]).digest()
    assert "prod-20261126T201500Z-talos-v1.13.2-to-v1.14.2.db already exists" in failure(tmp_path, at)
    with open(file, "rb") as kept:
        assert kept.read() == WHOLE


def test_nothing_deletes_one(machine, tmp_path):
    outputs = upgrade(tmp_path, machine())
    asyncio.run(SAVED.delete("prod", outputs, print))
    assert os.path.exists(outputs["file"])


def test_a_later_up_remembers_the_file(machine, tmp_path):
    outputs = upgrade(tmp_path, machine())
    again = asyncio.run(SAVED.update("prod", outputs, {**outputs, "platform": "other", "file": None}, pytest.fail))
    assert again["file"] == outputs["file"]


def test_a_plan_says_where_it_is_saved():
    given = inputs("/srv/snapshots", client={}, nodes=["a"])
    after = {**given, "talos": "v1.14.2"}
    assert (
        SAVED.describe_change(after, given)
        == "etcd is saved to /srv/snapshots/prod-TIME-talos-v1.13.2-to-v1.14.2.db before the upgrade"
    )
    assert (
        SAVED.describe_change({**after, "wanted": False}, given)
        == "etcd is NOT saved before the upgrade: talos.snapshots.before_upgrades is false"
    )
    assert SAVED.describe_change(given, given) is None and SAVED.describe_change(after, None) is None
    assert (
        isinstance(SAVED.plan(after, given)["file"], framework.Unknown)
        and SAVED.plan(given, {**given, "file": "x"})["file"] == "x"
    )


def test_a_folder_that_is_not_absolute_lies_in_the_checkout(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "_ROOT", tmp_path)
    assert upgrade(".toolchain/snapshots", machine())["file"].startswith(f"{tmp_path}/.toolchain/snapshots/prod-")


def test_unwanted_it_asks_nobody(machine, tmp_path):
    at = machine()
    assert upgrade(tmp_path, at, wanted=False)["talos"] == "v1.14.2" and at.asked == 0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            {"nodes": []},
            (
                "nodes is not a list of one or more texts; a control plane provides the snapshot; write the addresses"
                " of the control planes"
            ),
        ),
        ({"talos": None}, "talos is missing; it names the snapshot's file; write it as in the stack file"),
        ({"folder": ""}, "folder is missing; it names the snapshot's file; write it as in the stack file"),
        (
            {"timeoutSeconds": 0},
            "timeoutSeconds is not a number from 1 to 7200; every wait needs a deadline; write e.g. 900",
        ),
        (
            {"clientConfiguration": {}},
            (
                "clientConfiguration is not a client of the Talos API; the Talos API is queried with it; take"
                " clientConfiguration of talos:machine:Secrets"
            ),
        ),
    ],
)
def test_what_it_is_not_told_is_refused(bad, says):
    given = {**inputs("/srv", client=framework.UNKNOWN, nodes=["a"]), **bad}
    assert [f"{wrong.property} {wrong.reason}" for wrong in SAVED.check(given)] == [says]


def test_no_secret_is_said(machine, tmp_path):
    at, said = machine(WHOLE[:70_000]), []
    told = failure(tmp_path, at, said=said)
    for part in at.client().values():
        assert part not in told and part not in "".join(said)
