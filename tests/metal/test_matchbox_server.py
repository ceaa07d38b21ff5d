"""The real matchbox, asked as machines ask it, and served by the real program over mTLS."""

import time

import pytest
from conftest import stack_platform

pytestmark = pytest.mark.engine

FACTORY = (
    "https://factory.prod.example.com/image/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba/v1.14.2"
)
SCRIPT = f"""#!ipxe
kernel {FACTORY}/kernel-amd64 initrd=initramfs-amd64.xz talos.platform=metal console=tty0 slab_nomerge pti=on \
consoleblank=0 printk.devkmsg=on selinux=1 module.sig_enforce=1 proc_mem.force_override=never console=ttyS1
initrd {FACTORY}/initramfs-amd64.xz
boot
"""
NOTHING_NEW = 7


def up(here, stack, *args):
    return here.pulumi("up", "--stack", stack, "--yes", "--skip-preview", *args)


def macs(stack):
    return {name: machine["mac"] for name, machine in stack_platform(stack)["machines"].items()}


def refresh(here, stack):
    return here.pulumi("refresh", "--stack", stack, "--preview-only", "--diff", "--expect-no-changes", check=False)


def test_an_update_makes_each_machine_find_its_own_and_a_destroy_leaves_nothing(metal, server):
    here = metal("prod")
    up(here, "prod")
    assert server.files() == sorted(
        f"{kind}/prod-{name}.json" for kind in ("groups", "profiles") for name in macs("prod")
    )
    for mac in macs("prod").values():
        assert server.ipxe(mac) == SCRIPT
        assert server.ipxe(mac.replace(":", "-").upper()) == SCRIPT
    assert server.ipxe("52:54:00:00:00:99") is None
    assert up(here, "prod", "--expect-no-changes").returncode == 0
    here.pulumi("destroy", "--stack", "prod", "--yes", "--skip-preview")
    assert server.files() == []


def test_a_change_shows_in_the_plan_and_is_served_after_the_update(metal, server):
    """Profiles and groups are replaced; made before the old ones are deleted, they would be deleted themselves."""
    here = metal("prod")
    up(here, "prod")
    here.edit("prod", {"boot.kernel_args": ["console=ttyS2"], "talos.schematic": {"kernel_args": ["net.ifnames=0"]}})
    shown = here.pulumi("preview", "--stack", "prod", "--diff").stdout
    assert "ttyS2" in shown and "net.ifnames=0" in shown and "10 to replace" in shown, shown
    up(here, "prod")
    for mac in macs("prod").values():
        script = server.ipxe(mac)
        assert script is not None and script.splitlines()[1].endswith(" net.ifnames=0 console=ttyS2")
    assert len(server.files()) == 10
    # What the state says is there is there: a file deleted unseen would show now.
    assert refresh(here, "prod").returncode == 0


def test_a_machine_that_leaves_takes_its_own_files_along_and_no_others(metal, server):
    here = metal("prod")
    up(here, "prod")
    here.edit("prod", {"machines.wk-2": None})
    up(here, "prod")
    assert server.ipxe(macs("prod")["wk-2"]) is None
    assert server.ipxe(macs("prod")["wk-1"]) == SCRIPT
    assert not [file for file in server.files() if "wk-2" in file]


def test_what_somebody_changed_on_the_server_shows_and_is_mended(metal, server):
    here = metal("dev")
    up(here, "dev")
    right = server.ipxe(macs("dev")["cp-1"])
    assert refresh(here, "dev").returncode == 0
    server.edit(
        "profiles/dev-cp-1.json",
        boot={"kernel": "http://evil.example.com/kernel", "initrd": [], "args": ["mitigations=off"]},
    )
    drift = refresh(here, "dev")
    assert drift.returncode == NOTHING_NEW
    assert "mitigations=off" in drift.stdout and "http://evil.example.com/kernel" in drift.stdout
    up(here, "dev", "--refresh")
    assert server.ipxe(macs("dev")["cp-1"]) == right
    (server.folder / "data/groups/dev-cp-1.json").unlink()
    assert refresh(here, "dev").returncode == NOTHING_NEW
    up(here, "dev", "--refresh")
    assert server.ipxe(macs("dev")["cp-1"]) == right


def test_a_plan_with_credentials_needs_no_server(metal, server):
    """Upstream's plugin dials while it is configured, for half a minute; ours when it has something to do."""
    here = metal("dev")
    server.stop()
    began = time.monotonic()
    told = here.pulumi("preview", "--stack", "dev").stdout
    assert "matchbox:index:Group" in told and "6 to create" in told and "error" not in told, told
    # The plugin dials for 25 seconds.
    assert time.monotonic() - began < 24


@pytest.mark.parametrize("why", ["down", "foreign"])
def test_a_server_that_lets_nobody_in_is_told_by_its_address_and_nothing_is_made(why, metal, server):
    here = metal("dev", type(server.authority)("another").client() if why == "foreign" else None)
    if why == "down":
        server.stop()
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert server.files() == []
    # The plugin can't tell the two apart, and waits 25 s for either.
    told = [line.strip() for line in text.splitlines() if line.strip().startswith("* ")]
    assert told == [f"* failed to create Matchbox client or connect to {server.endpoint}: context deadline exceeded"], (
        text
    )
    assert "Traceback" not in text


def test_an_update_goes_through_once_the_server_is_back(metal, server):
    here = metal("dev")
    server.stop()
    assert here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False).returncode != 0
    server.start()
    up(here, "dev")
    assert server.ipxe(macs("dev")["cp-1"]) is not None


def test_nothing_of_the_key_is_in_the_state(metal, server, tmp_path):
    client = server.authority.client()
    here = metal("dev", client)
    up(here, "dev")
    state = "".join(p.read_text(encoding="utf-8") for p in tmp_path.glob("state/**/*.json*"))
    assert client["key"].splitlines()[1] not in state and "PRIVATE KEY" not in state
