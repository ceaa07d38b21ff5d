"""A plugin whose engine was killed acts no more."""

import os
import signal
import subprocess
import sys
import time

from conftest import ROOT

# The engine's part: starts the plugin, says its number, and waits to be killed.
ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen([sys.executable, "-c", "import parent, time; parent.watch(); time.sleep(60)"])
print(plugin.pid, flush=True)
time.sleep(60)
"""


def test_a_plugin_ends_with_its_engine():
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], cwd=ROOT / "provider", stdout=subprocess.PIPE, text=True)
    plugin = int(engine.stdout.readline())
    time.sleep(1)
    assert alive(plugin), "it must not end before"
    engine.send_signal(signal.SIGKILL)
    engine.wait(5)
    engine.stdout.close()
    end = time.monotonic() + 10
    while alive(plugin) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(plugin)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_engine_is_there_while_it_is(monkeypatch):
    from provider import parent

    assert not parent.is_gone()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert parent.is_gone() or parent._engine == 1
