"""What lies in the store is believed only while it is what was put there."""

import json
import os
import shutil
import subprocess

import pytest

from toolchain import Layout, ToolchainError, golang, seal, signature, store
from toolchain.lock import load

HOSTILE = "#!/bin/sh\necho HOSTILE ENGINE: $PULUMI_CONFIG_PASSPHRASE\n"


@pytest.fixture
def held(checkout):
    """The program of alpha in a store that was used before: this checkout has hashed it."""
    checkout.ensure("alpha")
    file = entry(checkout) / "alpha"
    settle(checkout)
    assert str(entry(checkout)) in checkout.layout.seen.read_text()
    return file


def entry(checkout):
    return store.folder(load(checkout.layout.lock).parts["alpha"], "build", checkout.layout)


def settle(checkout):
    """Use the part when its files are no longer young."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "SETTLED_SECONDS", -60)
        checkout.ensure("alpha")


def exchange(file, text=HOSTILE):
    """Put another file in its place, as one who can write the store would."""
    status = file.stat()
    file.unlink()
    file.write_text(text)
    file.chmod(0o755)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def refusal(checkout) -> str:
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure("alpha")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_exchanged_program_is_refused_by_name(checkout, held):
    recorded = sha256_of(held)
    exchange(held)
    assert refusal(checkout) == (
        f"alpha 1.0.0: {held} was changed (sha256 {sha256_of(held)}, recorded {recorded}); "
        "it is not used, because someone changed the store. "
        f"Find out who can write there, then delete {held.parent}: the next run makes it again"
    )
    # It stays refused, and what this checkout has linked is still the program that it knew.
    refusal(checkout)
    assert subprocess.check_output([checkout.layout.bin / "alpha"], text=True) == "1.0.0\n"


def sha256_of(file) -> str:
    return subprocess.check_output(["sha256sum", file], text=True).split()[0]


def test_what_the_refusal_says_helps(checkout, held):
    exchange(held)
    shutil.rmtree(held.parent)
    assert subprocess.check_output([checkout.ensure("alpha")["alpha"]], text=True) == "1.0.0\n"
    assert checkout.builds == ["alpha", "alpha"]


def test_a_program_of_the_same_size_and_time_is_refused(checkout, held):
    text = held.read_text()
    exchange(held, text.replace("1.0.0", "6.6.6"))
    assert f"{held} was changed" in refusal(checkout)


def test_a_program_that_was_written_over_is_refused(checkout, held):
    held.chmod(0o755)
    status = held.stat()
    held.write_text(held.read_text().replace("1.0.0", "6.6.6"))
    held.chmod(0o555)
    os.utime(held, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert f"{held} was changed" in refusal(checkout)


def test_a_fresh_checkout_refuses_a_store_that_was_changed_before(checkout, held, tmp_path):
    exchange(held)
    shutil.rmtree(checkout.layout.bin)
    checkout.layout.seen.unlink()
    assert f"{held} was changed" in refusal(checkout)
    assert not (checkout.layout.bin / "alpha").exists()


def test_a_record_of_the_seal_that_was_changed_is_refused(checkout, held):
    file = held.with_name(seal.SEAL)
    recorded = sha256_of(held)
    exchange(held)
    exchange(file, file.read_text().replace(recorded, sha256_of(held)))
    assert f"alpha 1.0.0: {file} is not the one that was written with the part; " in refusal(checkout)
    file.unlink()
    assert f"alpha 1.0.0: {file} is missing; " in refusal(checkout)


def test_a_file_that_nobody_put_there_is_refused(checkout, held):
    (held.parent / "helper").write_text(HOSTILE)
    assert f"{held.parent}/helper is not one of its files; " in refusal(checkout)


def test_the_name_of_a_file_can_neither_clear_a_terminal_nor_begin_a_line(checkout, held):
    (held.parent / "a\x1b[2J\nEverything is set up").write_text("x")
    assert f"{held.parent}/a\\x1b[2J Everything is set up is not one of its files; " in refusal(checkout)


def test_a_link_to_elsewhere_in_a_programs_place_is_refused(checkout, held, tmp_path):
    (tmp_path / "hostile").write_text(HOSTILE)
    held.unlink()
    held.symlink_to(tmp_path / "hostile")
    assert f"{held} was changed (sha256 -> {tmp_path}/hostile, " in refusal(checkout)


@pytest.mark.parametrize("record", ["[]", "{}", '{"files": [], "sealed": "x"}', '{"files": {"alpha": [1, 2]}}', "{"])
def test_an_entry_whose_record_is_no_record_is_built_again(checkout, held, record):
    exchange(held)
    exchange(held.with_name(store.RECORD), record)
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]
    assert subprocess.check_output([checkout.layout.bin / "alpha"], text=True) == "1.0.0\n"


def test_the_files_behind_hard_links_are_read_only(checkout, held):
    linked = checkout.layout.bin / "alpha"
    assert linked.samefile(held)
    assert linked.stat().st_mode & 0o777 == 0o555


def test_what_this_checkout_has_hashed_is_not_hashed_again(checkout, held, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(seal.hashlib, "file_digest", lambda *_: pytest.fail("a file was read"))
        checkout.ensure("alpha")
    # Another checkout's link changes the file's ctime: it is hashed once more, and no fault.
    os.link(held, checkout.root / "another")
    checkout.ensure("alpha")


def test_a_file_that_has_just_changed_is_hashed_again_the_next_time(checkout):
    checkout.ensure("alpha")
    checkout.ensure("alpha")
    assert not checkout.layout.seen.exists()


def test_what_another_folder_was_vouches_for_nothing(checkout, held, tmp_path):
    """A store that is moved, or a file that remembers another place, is hashed anew."""
    text = checkout.layout.seen.read_text()
    exchange(held)
    checkout.layout.seen.write_text(text.replace(str(held.parent), str(held.parent) + "x"))
    assert f"{held} was changed" in refusal(checkout)
    checkout.layout.seen.write_text("no json")
    assert f"{held} was changed" in refusal(checkout)


@pytest.fixture
def tree(tmp_path):
    """A Python environment in miniature, sealed: its layout, its folder and the sha256 of its seal."""
    folder = tmp_path / "store" / "python-build-0"
    cache = folder / "lib/site-packages/__pycache__"
    cache.mkdir(parents=True)
    (cache.parent / "house.py").write_text("OWNER = 'known'\n")
    (cache / "house.cpython-311.pyc").write_bytes(b"compiled")
    (folder / "lib64").symlink_to("lib")
    layout = Layout(tmp_path, tmp_path / ".toolchain", tmp_path / "store")
    return layout, folder, seal.seal(folder)


def test_a_changed_or_added_module_of_the_python_environment_is_refused(tree):
    layout, folder, sealed = tree
    seal.check("python", folder, sealed, layout)
    added = folder / "lib/site-packages/sitecustomize.py"
    added.write_text("import os\n")
    with pytest.raises(ToolchainError, match=f"^python: {added} is not one of its files; "):
        seal.check("python", folder, sealed, layout)
    added.unlink()
    compiled = folder / "lib/site-packages/__pycache__/house.cpython-311.pyc"
    compiled.write_bytes(b"hostile!")
    with pytest.raises(ToolchainError, match=f"^python: {compiled} was changed"):
        seal.check("python", folder, sealed, layout)


def test_compiled_modules_that_came_later_are_deleted_and_not_believed(tree):
    layout, folder, sealed = tree
    cache = folder / "lib/site-packages/__pycache__"
    for name in ("house.cpython-312.pyc", "house.cpython-311-pytest-9.pyc", "house.cpython-311-pytest-9.pyc.77"):
        (cache / name).write_bytes(b"hostile!")
    seal.check("python", folder, sealed, layout)
    assert [path.name for path in cache.iterdir()] == ["house.cpython-311.pyc"]
    (cache / "house.cpython-311.pyc").unlink()
    seal.check("python", folder, sealed, layout)


def test_a_compiled_module_that_cannot_be_deleted_is_refused(tree, monkeypatch):
    layout, folder, sealed = tree
    late = folder / "lib/site-packages/__pycache__/house.cpython-311-pytest-9.pyc"
    late.write_bytes(b"hostile!")

    def read_only(*_arguments, **_options):
        raise OSError("read-only file system")

    monkeypatch.setattr(seal.Path, "unlink", read_only)
    with pytest.raises(ToolchainError, match=f"^python: {late} is not one of its files; "):
        seal.check("python", folder, sealed, layout)


def test_a_store_of_an_earlier_version_is_built_again(checkout, held):
    record = held.with_name(store.RECORD)
    exchange(record, record.read_text().replace('"sealed"', '"unknown"'))
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]


def test_the_programs_of_the_machine_stay_writable(checkout, monkeypatch):
    """A part from PATH is a symbolic link: its program is not the store's to change."""
    folder = checkout.root.parent / "machine"
    theirs = checkout.program(folder, "alpha", "1.0.0")
    before = theirs.stat().st_mode
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    checkout.ensure("alpha")
    assert theirs.stat().st_mode == before


def test_the_compiler_is_checked_before_it_compiles(checkout, monkeypatch):
    """Where Go comes as a wheel, what builds every part is itself in the store."""
    checkout.lock(lambda text: text + '\n[go]\nkind = "go-wheel"\nversion = "1.26.6"\n')
    made = checkout.root / "made"
    (made / "go/bin").mkdir(parents=True)
    shutil.move(checkout.go, made / "go/bin/go")
    checkout.layout.store.mkdir(parents=True)
    kept = store.keep(load(checkout.layout.lock).parts["go"], "build", made, checkout.layout, 0, "wheel")
    exchange(kept.file("go/bin/go"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(golang, "on_machine", lambda _: None)
    assert f"go 1.26.6: {kept.file('go/bin/go')} was changed" in refusal(checkout)


def forge(held, **facts):
    """Rewrite a program, its seal and its record so that they agree, as whoever may write the store can."""
    record = held.with_name(store.RECORD)
    recorded = {**json.loads(record.read_text()), **facts}
    exchange(held)
    held.with_name(seal.SEAL).unlink()
    recorded["sealed"] = seal.seal(held.parent)
    exchange(record, json.dumps(recorded))


@pytest.fixture
def key(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("k" * 32 + "\n")
    monkeypatch.setenv(signature.KEY_FILE, str(file))
    return file


def test_with_a_key_a_forged_record_is_not_believed(checkout, key, held):
    forge(held)
    assert subprocess.check_output([checkout.ensure("alpha")["alpha"]], text=True) == "1.0.0\n"
    assert checkout.builds == ["alpha", "alpha"]


@pytest.mark.parametrize("forged", ["0" * 64, "", None, 7, "\u00e9"])
def test_a_signature_without_the_key_is_none(checkout, key, held, forged):
    forge(held, signature=forged)
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]


def test_a_genuine_entry_in_another_ones_place_is_not_believed(checkout, key, held, tmp_path):
    """An older build of the same part, signed with the same key, with a fault that was repaired since."""
    shutil.copytree(held.parent, tmp_path / "older", symlinks=True)
    (checkout.root / "toolchain" / "parts" / "alpha" / "VERSION").write_text("1.0.1")
    newer = checkout.ensure("alpha")["alpha"]
    shutil.rmtree(entry(checkout))
    shutil.copytree(tmp_path / "older", entry(checkout), symlinks=True)
    assert subprocess.check_output([checkout.ensure("alpha")["alpha"]], text=True) == "1.0.1\n"
    assert newer == checkout.layout.bin / "alpha"


def test_what_was_signed_is_used_and_what_was_not_is_made_again(checkout, key, held):
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha"]
    key.write_text("another key of 32 bytes or longer")
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]


def test_a_key_that_is_too_short_or_missing_is_refused(checkout, key):
    key.write_text("short")
    assert refusal(checkout) == (
        f"BEDPLATE_STORE_KEY_FILE: {key} has 5 bytes, and a key needs at least 32; write one with: openssl rand -hex 32"
    )
    key.unlink()
    unreadable = f"BEDPLATE_STORE_KEY_FILE: {key} cannot be read: No such file or directory"
    assert refusal(checkout) == f"{unreadable}; write a key with: openssl rand -hex 32"
