"""What the engine shows on its way into a file: no plugin and no server writes to the terminal of who reads it."""

import json
import os
import pty
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import filter, main
from runner.filter import shown

EVIL = "\x1b[2J\x1b]0;pwned\x07\r\x9b31m\u202e\u2028"
SHOWN = r"\u001b[2J\u001b]0;pwned\u0007\u000d\u009b31m\u202e\u2028"
CHARACTERS = st.text(st.characters(codec=None, exclude_categories=()))


@given(CHARACTERS)
def test_each_character_is_printable_a_tab_or_a_line_feed(text):
    line = shown(text)
    assert all(each.isprintable() or each in "\t\n" for each in line)
    assert shown(line) == line


@given(st.text())
def test_json_stays_json(text):
    line = json.dumps({"message": text}, ensure_ascii=False)
    assert json.loads(shown(line)) == {"message": text}


def test_colours_pass_only_if_they_were_asked_for():
    line = "\x1b[31merror:\x1b[0m \x1b[2J\x1b]0;pwned\x07\n"
    assert shown(line, colour=True) == "\x1b[31merror:\x1b[0m \\u001b[2J\\u001b]0;pwned\\u0007\n"
    assert "\x1b" not in shown(line)


@pytest.mark.parametrize("verb", ["preview", "up", "refresh", "destroy"])
def test_an_attack_by_way_of_the_engine_ends_in_escapes(house, capfd, verb):
    house.exists("dev")
    house.plan(prints=f"error: the server says {EVIL}", says=f"warning: {EVIL}", **{verb: [3]})
    assert main.main_in(house.layout, [verb, "dev"]) == 3
    out, err = capfd.readouterr()
    assert out == f"error: the server says {SHOWN}\n"
    assert err.splitlines()[-1] == f"warning: {SHOWN}"


PROGRAM = """
import sys
from runner import filter
from runner.filter import Filter
import subprocess
filter.REST_SECONDS = {rest}
output = Filter()
code = {code!r}
stdout, stderr = output.streams()
process = subprocess.Popen([sys.executable, "-c", code], stdout=stdout, stderr=stderr)
output.start(process)
end = process.wait()
output.finish()
sys.exit(end if end >= 0 else 128 - end)
"""


def filtering(code, rest=filter.REST_SECONDS):
    return [sys.executable, "-c", PROGRAM.format(code=code, rest=rest)]


def run(code, **how):
    return subprocess.run(filtering(code), timeout=60, check=False, **how)


def test_two_streams_into_one_file_keep_their_order(tmp_path):
    code = "import os\nfor n in range(50): os.write(1 + n % 2, b'%d\\n' % n)"
    with (tmp_path / "log").open("wb") as log:
        assert run(code, stdout=log, stderr=log).returncode == 0
    assert (tmp_path / "log").read_text().split() == [str(n) for n in range(50)]


def test_a_long_line_without_end_is_passed_on_in_pieces():
    done = run("import sys; sys.stdout.write('x' * 300_000 + chr(27))", stdout=subprocess.PIPE)
    assert done.stdout == b"x" * 300_000 + b"\\u001b"


def test_a_reader_that_leaves_ends_the_program():
    code = "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nwhile True: print('more', flush=True)"
    process = subprocess.Popen(filtering(code), stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"more\n"
    process.stdout.close()
    assert process.wait(30) == 141


def test_a_program_that_leaves_the_pipe_open_is_not_waited_for():
    code = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('done')"
    begun = time.monotonic()
    with subprocess.Popen(filtering(code, rest=0.5), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"done\n"
        assert process.wait(30) == 0
        process.stdout.close()
    assert time.monotonic() - begun < 30


def test_both_streams_that_stay_open_are_waited_for_together(monkeypatch):
    now, output = [0.0], filter.Filter()

    class Stuck:
        def join(self, seconds):
            now[0] += seconds

    monkeypatch.setattr(filter, "time", SimpleNamespace(monotonic=lambda: now[0]))
    output._threads = [Stuck(), Stuck()]
    output.finish()
    assert now == [filter.REST_SECONDS]


def test_a_terminal_is_left_to_the_engine():
    master, slave = pty.openpty()
    assert run("print(chr(27) + '[1A')", stdout=slave, stderr=slave).returncode == 0
    os.close(slave)
    assert os.read(master, 100) == b"\x1b[1A\r\n"
    os.close(master)
