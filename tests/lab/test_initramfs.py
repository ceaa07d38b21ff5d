"""The initramfs of a machine that boots from the network."""

import lzma

import pytest

from lab import initramfs


@pytest.fixture
def kernel(tmp_path):
    """A kernel's modules: `card` needs `bus`, and `bus` needs a module that is built in."""
    folder = tmp_path / "modules"
    (folder / "kernel/drivers").mkdir(parents=True)

    def module(name, needs):
        image = b"\x7fELF\0depends=" + needs.encode() + b"\0name=" + name.encode() + b"\0"
        (folder / f"kernel/drivers/{name}.ko.xz").write_bytes(lzma.compress(image))

    module("card", "the-bus")
    module("the_bus", "core")
    module("other", "")
    (folder / "modules.builtin").write_text("kernel/core/core.ko\n")
    return folder


def test_only_the_requested_modules_are_included_each_after_those_that_it_needs(kernel):
    assert list(initramfs.modules(kernel, ["card"])) == ["modules/000-the_bus.ko", "modules/001-card.ko"]
    assert initramfs.modules(kernel, ["card"])["modules/001-card.ko"].startswith(b"\x7fELF")


def test_a_module_that_the_kernel_does_not_have_is_named(kernel):
    with pytest.raises(LookupError, match="has no nvme"):
        initramfs.modules(kernel, ["nvme"])


def test_an_archive_has_its_files_in_order_with_their_folders_and_a_console(tmp_path):
    (tmp_path / "program").write_bytes(b"program")
    archive_bytes = initramfs.archive({"init": tmp_path / "program", "modules/000-a.ko": b"abc"})
    assert read(archive_bytes) == {
        "dev": (0o040755, b""), "modules": (0o040755, b""), "dev/console": (0o020600, b""),
        "init": (0o100755, b"program"), "modules/000-a.ko": (0o100644, b"abc"),
    }  # fmt: skip


def read(archive):
    """The archive, read as the kernel's documentation describes."""
    entries, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701" and at % 4 == 0
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + length - 1].decode()
        at += (110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return entries
        entries[name] = (mode, archive[at : at + size])
        at += (size + 3) // 4 * 4
