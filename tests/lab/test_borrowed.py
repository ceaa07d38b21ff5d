"""Settings of the whole computer that labs change, and how they are set back."""

import os
from dataclasses import replace

import pytest

from lab import borrowed, sysctls


@pytest.fixture
def setting(tmp_path):
    path = tmp_path / "perf_event_paranoid"
    path.write_text("2\n")
    return replace(borrowed.PERF_EVENTS, folder=tmp_path / "labs", path=path)


def value(setting):
    return setting.path.read_text().strip()


def test_the_last_lab_to_end_sets_back_what_the_first_one_found(setting):
    first = setting.borrow("dev-00000000")
    second = setting.borrow("prod-00000000")
    assert value(setting) == "0" and setting.used()
    os.close(first)
    setting.settle()
    assert value(setting) == "0"
    setting.settle(ending="prod-00000000")
    assert value(setting) == "2"
    os.close(second)
    assert not setting.used()


def test_a_lab_that_was_killed_counts_no_longer(setting):
    """The kernel lets go of its lock. Whoever looks next sets the value back, or keeps what was first saved."""
    child = os.fork()
    if child == 0:
        setting.borrow("dev-00000000")
        os._exit(0)
    os.waitpid(child, 0)
    assert value(setting) == "0" and not setting.used()
    handle = setting.borrow("prod-00000000")
    assert value(setting) == "0"
    os.close(handle)
    setting.settle()
    assert value(setting) == "2"
    setting.settle()
    assert value(setting) == "2"


@pytest.mark.parametrize("low", ["0", "-1"])
def test_a_computer_that_allows_it_is_left_as_it_is(setting, low):
    setting.path.write_text(low)
    os.close(setting.borrow("dev-00000000"))
    assert value(setting) == low
    setting.path.write_text("3")
    setting.settle()
    assert value(setting) == "3"


def test_without_such_a_lab_nothing_is_looked_at(setting):
    setting.settle()
    assert value(setting) == "2" and not setting.folder.exists()


@pytest.mark.parametrize(("before", "while_needed"), [("128", "8192"), ("8192", "8192"), ("65536", "65536")])
def test_nodes_get_enough_instances_of_inotify_and_never_fewer_than_there_were(tmp_path, before, while_needed):
    path = tmp_path / "max_user_instances"
    path.write_text(f"{before}\n")
    setting = replace(borrowed.INOTIFY, folder=tmp_path / "labs", path=path)
    handle = setting.borrow("dev-00000000")
    assert path.read_text().strip() == while_needed
    os.close(handle)
    setting.settle()
    assert path.read_text().strip() == before


def test_every_setting_that_is_borrowed_is_looked_at_before_and_after_a_lab():
    looked_at = {str(sysctls.FOLDER / name) for name in sysctls.BORROWED}
    assert {str(setting.path) for setting in borrowed.SETTINGS} == looked_at
    assert len({setting.folder for setting in borrowed.SETTINGS}) == len(borrowed.SETTINGS)
