"""Every machine's config before Talos' own validation, in a plan of the real engine."""

import pytest

from clients.judge import VARIABLE
from core.effective.judged import UNASKED

pytestmark = pytest.mark.engine

EXTENSION = {"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "ups"}
FLAG = {"cluster": {"apiServer": {"extraArgs": {"v": "2"}}}}


def test_a_plan_refuses_what_talos_refuses_in_one_line(checkout):
    here = checkout("prod")
    here.edit("prod", {"talos.patches": [FLAG, EXTENSION]})
    done = here.run("pulumi", "preview", "--stack", "prod", "--non-interactive", check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text
    assert text.count("is refused by Talos on cp-1, cp-2, cp-3 and 2 more: ") == 1, text
    assert 'no config files found for extension "ups"' in text and "platform.talos.patches.1" in text


def test_a_plan_without_the_judge_says_so_once(checkout):
    here = checkout("dev")
    assert UNASKED not in here.preview("dev").stdout
    done = here.run("pulumi", "preview", "--stack", "dev", "--non-interactive", **{VARIABLE: ""})
    assert done.stdout.partition("Diagnostics:")[2].count(UNASKED) == 1, done.stdout


def test_a_control_planes_flag_for_all_blames_no_worker(checkout):
    here = checkout("prod")
    here.edit("prod", {"talos.patches": [FLAG]})
    assert "✅ bedplate" in here.preview("prod").stdout
