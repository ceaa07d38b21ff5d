"""A plan with every real plugin: nobody has the passphrase in its environment, or can read it from the file there."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests import checkouts
from tests.conftest import ROOT
from toolchain import Layout

pytestmark = pytest.mark.engine

PHRASE = "PASSPHRASE-KNOWN-7731"
# The policy pack and the provider are programs of ours, and as good a place as any to try to read it from.
THEFT = """
import os
with open("/proc/self/environ", "rb") as file:
    given = file.read().decode()
path = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", "")
text = open(path).read() if os.path.exists(path) else ""
with open({stolen!r}, "a") as file:
    print({who!r}, "environment" if {phrase!r} in given else "", "file" if {phrase!r} in text else "", file=file)
"""


@pytest.fixture
def house(tmp_path):
    """A checkout with the commands in it, whose program and provider try to read the passphrase."""
    real = Layout.of()
    root = tmp_path / "house"
    root.mkdir()
    others = ("Pulumi.yaml", "Pulumi.dev.yaml", "requirements.txt", "runner", "toolchain", "operations", "bedplate")
    checkouts.copy(ROOT, root, *others)
    for place in ("__main__.py", "provider/__main__.py", "policy/__main__.py"):
        theft = THEFT.format(stolen=str(tmp_path / "stolen"), who=place, phrase=PHRASE)
        file = root / place
        file.write_text(f"{theft}\n{file.read_text().replace('from __future__ import annotations', '')}")
    (tmp_path / "state").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment = {**kept, "BEDPLATE_STORE": str(real.store), "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri()}

    def run(*arguments, **variables):
        with Watch(root) as watch:
            done = subprocess.run(
                [sys.executable, root / "bedplate", *arguments],
                env={**environment, **variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return watch.seen, (tmp_path / "stolen").read_text().splitlines(), done.stdout + done.stderr

    yield run
    shutil.rmtree(root / ".toolchain", ignore_errors=True)


class Watch(threading.Thread):
    """Looks at the environment of every process that runs for a checkout."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._home = f"PULUMI_HOME={root}".encode()
        self._end = threading.Event()
        self.seen: dict[str, bool] = {}

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        while not self._end.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    environment = (process / "environ").read_bytes()
                    name = (process / "comm").read_text().strip()
                except OSError:
                    continue
                if self._home in environment:
                    self.seen[name] = self.seen.get(name, False) or PHRASE.encode() in environment


PLUGINS = ("pulumi", "pulumi-language", "pulumi-resource", "python")


@pytest.mark.parametrize("how", ["value", "file"])
def test_no_process_has_the_passphrase_in_its_environment_and_none_but_the_engine_reads_it(house, tmp_path, how):
    file = tmp_path / "passphrase"
    file.write_text(f"{PHRASE}\n")
    given = {"PULUMI_CONFIG_PASSPHRASE": PHRASE} if how == "value" else {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    seen, stolen, said = house("preview", "dev", **given)
    for kind in PLUGINS:
        assert any(name.startswith(kind) for name in seen), (kind, seen)
    assert {name for name, has in seen.items() if has} == set()
    assert {line.split()[0] for line in stolen} == {"__main__.py", "provider/__main__.py", "policy/__main__.py"}
    assert [line for line in stolen if len(line.split()) > 1] == []
    assert "asked for the passphrase and got none" in said and PHRASE not in said
