"""Settings of the whole computer: changed while a lab needs them, and set back after the last one, however it ended."""

import os

import pytest

from lab.shared_settings import ALL, Shared


@pytest.fixture
def setting(tmp_path):
    file = tmp_path / "maxkeys"
    file.write_text("200\n")
    return file


@pytest.fixture
def shared(tmp_path, setting):
    return Shared(tmp_path / "labs", {setting: 20_000})


def test_it_is_changed_for_the_first_lab_and_set_back_after_the_last(shared, setting):
    first, second = shared.hold("one"), shared.hold("two")
    assert setting.read_text() == "20000\n" and shared.used()
    os.close(first)
    shared.settle()
    assert setting.read_text() == "20000\n", "the second lab still needs it"
    os.close(second)
    shared.settle()
    assert setting.read_text() == "200\n" and not shared.used()


def test_a_lab_that_ends_counts_no_more_although_it_still_runs(shared, setting):
    shared.hold("one")
    shared.settle(ending="one")
    assert setting.read_text() == "200\n"


def test_a_lab_that_was_killed_counts_no_longer(shared, setting):
    """The kernel lets go of its lock. Whoever looks next sets the value back, or keeps what was first saved."""
    child = os.fork()
    if child == 0:
        shared.hold("killed")
        os._exit(0)
    os.waitpid(child, 0)
    assert setting.read_text() == "20000\n" and not shared.used()
    os.close(shared.hold("next"))
    assert setting.read_text() == "20000\n"
    for _ in range(2):
        shared.settle()
        assert setting.read_text() == "200\n"


def test_without_a_lab_nothing_is_looked_at(shared, setting):
    shared.settle()
    assert setting.read_text() == "200\n" and not shared.folder.exists()


@pytest.mark.parametrize(("was", "lower"), [("50000\n", False), ("-1\n", True), ("20000\n", False)])
def test_what_is_enough_already_stays(tmp_path, setting, was, lower):
    setting.write_text(was)
    shared = Shared(tmp_path / "labs", {setting: 20_000}, lower=lower)
    handle = shared.hold("one")
    assert setting.read_text() == was
    os.close(handle)
    setting.write_text("7\n")
    shared.settle()
    assert setting.read_text() == "7\n", "another has changed it since, and no lab had"


def test_a_setting_that_must_be_low_is_lowered(tmp_path, setting):
    shared = Shared(tmp_path / "labs", {setting: 0}, lower=True)
    handle = shared.hold("one")
    assert setting.read_text() == "0\n"
    os.close(handle)
    shared.settle()
    assert setting.read_text() == "200\n"


def test_no_two_kinds_keep_their_labs_in_one_folder():
    assert len({each.folder for each in ALL}) == len(ALL)
