"""Official releases, from a server that tampers with them: what the lock pins is used, and nothing else ever is."""

import gzip
import io
import re
import subprocess
import tarfile
import time

import pytest

from toolchain import ToolchainError, download, release
from toolchain.layout import this_platform

PROGRAM = "#!/bin/sh\necho 1.0.0\n"
HOSTILE = "#!/bin/sh\necho HOSTILE\n"


def refusal(checkout) -> str:
    """The text with which the set-up ends. Nothing was installed, stored, or built instead."""
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure("alpha")
    assert not (checkout.layout.bin / "alpha").exists()
    assert not list(checkout.layout.store.glob("alpha-*"))
    assert checkout.builds == []
    return str(caught.value)


def passed_over(checkout) -> str:
    """Why no release was taken: the part is built instead, from pinned modules."""
    assert subprocess.check_output([checkout.ensure("alpha")["alpha"]], text=True) == "1.0.0\n"
    assert checkout.builds == ["alpha"]
    [why] = re.findall(r"^alpha 1\.0\.0: no download \((.*)\)$", checkout.told.getvalue(), re.MULTILINE)
    return re.sub(r"https://127\.0\.0\.1:\d+", "ORIGIN", why)


def test_a_release_is_verified_against_the_lock(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    ours = checkout.ensure("alpha")["alpha"]
    assert subprocess.check_output([ours], text=True) == "1.0.0\n"
    assert checkout.builds == []
    assert re.search(
        r"alpha 1\.0\.0: download, \d+ s \(https://127\.0\.0\.1:\d+/alpha/v1\.0\.0/alpha-here", checkout.told.getvalue()
    )


def test_a_tampered_archive_is_refused_and_nothing_else_is_tried(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    releases.offer("alpha", "1.0.0", HOSTILE, pinned="1" * 64)
    text = re.sub(
        r"https://127\.0\.0\.1:\d+",
        "ORIGIN",
        re.sub(r"has sha256 [0-9a-f]{64}", "has sha256 ACTUAL", refusal(checkout)),
    )
    assert text == (
        "alpha: ORIGIN/alpha/v1.0.0/alpha-here.tar.gz has sha256 ACTUAL, "
        f"but toolchain/lock.toml pins {'1' * 64}.\n"
        "  It was not used. Try again; if it stays so, someone changed the archive: "
        "do not use it, and build instead with BEDPLATE_TOOLCHAIN=build."
    )


def test_a_checksum_list_that_was_tampered_with_too_is_never_asked_for(checkout, releases):
    # The archive and the published list agree; the lock knows better.
    path = releases.offer("alpha", "1.0.0", HOSTILE, pinned="1" * 64)
    assert f"but toolchain/lock.toml pins {'1' * 64}" in refusal(checkout)
    assert releases.asked == ["HEAD /", path]


def test_a_part_without_a_checksum_in_the_lock_is_not_downloaded(checkout, releases):
    releases.offer("alpha", "1.0.0", HOSTILE, pinned="")
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha"]
    assert releases.asked == []


def test_a_forced_download_without_a_checksum_says_how_to_add_one(checkout, releases, monkeypatch):
    releases.offer("alpha", "1.0.0", HOSTILE, pinned="")
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "download")
    assert refusal(checkout) == (
        "BEDPLATE_TOOLCHAIN=download, but these cannot be downloaded:\n"
        f"  alpha 1.0.0: toolchain/lock.toml has no sha256 of its archive for {this_platform()}; verify the one in "
        "https://releases.test/alpha/v1.0.0/sums.txt, then write it under [alpha.release.sha256]\n"
        "  Set BEDPLATE_MIRROR to a mirror of the releases, or unset BEDPLATE_TOOLCHAIN: then they are built."
    )
    assert releases.asked == []


MIRRORS = {
    "http://mirror.test": (
        "BEDPLATE_MIRROR is http://mirror.test: releases are downloaded over https alone, because anyone on the way "
        "can change what comes over http; write for example https://mirror.test"
    ),
    "https://user:secret@mirror.test": (
        "BEDPLATE_MIRROR contains a user name or a password, which logs and error messages would show; "
        "write the address without them"
    ),
    "http://user:secret@mirror.test": "BEDPLATE_MIRROR contains a user name or a password",
    "ftp://mirror.test": "BEDPLATE_MIRROR is ftp://mirror.test: releases are downloaded over https alone",
    "file:///srv/mirror": "BEDPLATE_MIRROR is file:///srv/mirror: releases are downloaded over https alone",
    "mirror.test": "BEDPLATE_MIRROR is mirror.test: releases are downloaded over https alone",
    "https://": "BEDPLATE_MIRROR is https://: releases are downloaded over https alone",
    "https://mirror.test?a=b": "BEDPLATE_MIRROR is https://mirror.test?a=b: ",
    "https://mirror.test/\x1b[2J": r"BEDPLATE_MIRROR is 'https://mirror.test/\x1b[2J': ",
    "https://mirror.test:x": "BEDPLATE_MIRROR is not an address; write for example https://mirror.example.com",
    "https://[": "BEDPLATE_MIRROR is not an address; write for example https://mirror.example.com",
}


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_mirror_that_is_not_plain_https_is_refused_by_name(checkout, releases, monkeypatch, mirror):
    releases.offer("alpha", "1.0.0", PROGRAM)
    monkeypatch.setenv("BEDPLATE_MIRROR", mirror)
    text = refusal(checkout)
    assert text.startswith(MIRRORS[mirror])
    assert "secret" not in text and "\x1b" not in text
    assert releases.asked == []


def test_a_mirror_with_a_path_serves_the_same_paths_below_it(monkeypatch):
    monkeypatch.setenv("BEDPLATE_MIRROR", "https://mirror.test/cache/")
    assert download.mirrored("https://releases.test/a/b.tar.gz") == "https://mirror.test/cache/a/b.tar.gz"


def test_a_server_of_another_authority_is_not_believed(checkout, releases, monkeypatch):
    releases.offer("alpha", "1.0.0", PROGRAM)
    monkeypatch.delenv("SSL_CERT_FILE")
    checkout.ensure("alpha")
    assert "certificate verify failed" in checkout.told.getvalue()
    assert checkout.builds == ["alpha"]
    assert releases.asked == []


def test_a_release_that_is_not_there_is_built(checkout, releases):
    assert passed_over(checkout) == "ORIGIN/alpha/v1.0.0/alpha-here.tar.gz: HTTP Error 404: Not Found"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("http://127.0.0.1:9/x", "it redirects to http://127.0.0.1:9, which is not plain https"),
        ("https://u:p@elsewhere.test/x", "it redirects to https://elsewhere.test, which is not plain https"),
        ("file:///etc/passwd", "HTTP Error 302: Found - Redirection to url 'file:///etc/passwd' is not allowed"),
    ],
)
def test_a_redirect_from_https_to_anything_else_is_not_followed(checkout, releases, target, says):
    def elsewhere(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = elsewhere
    assert passed_over(checkout) == f"ORIGIN/alpha/v1.0.0/alpha-here.tar.gz: {says}"


def test_a_redirect_to_https_is_followed(checkout, releases):
    path = releases.offer("alpha", "1.0.0", PROGRAM)
    releases.files["/moved"] = releases.files[path]

    def moved(handler):
        handler.send_response(302)
        handler.send_header("Location", f"{releases.address}/moved")
        handler.end_headers()

    releases.habits[path] = moved
    checkout.ensure("alpha")
    assert checkout.builds == []


def test_a_server_that_gives_a_byte_at_a_time_is_left_at_the_deadline(checkout, releases, monkeypatch):
    monkeypatch.setattr(download, "TOTAL_SECONDS", 0.5)

    def slow(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = slow
    began = time.monotonic()
    assert passed_over(checkout).endswith(": it was not complete after 0.5 s")
    assert time.monotonic() - began < 25


def test_a_header_that_never_ends_is_left_at_the_deadline(checkout, releases, monkeypatch):
    monkeypatch.setattr(download, "TOTAL_SECONDS", 0.5)

    def slow(handler):
        for _ in range(1000):
            handler.wfile.write(b"H")
            time.sleep(0.05)

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = slow
    assert passed_over(checkout).endswith(": it was not complete after 0.5 s")


@pytest.mark.parametrize("announced", ["99999", None, "1e9"])
def test_a_body_without_an_end_is_cut(checkout, releases, monkeypatch, announced):
    monkeypatch.setattr(download, "LIMIT_BYTES", 5000)
    monkeypatch.setattr(download, "CHUNK", 1000)

    def endless(handler):
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", announced)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 1000)

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = endless
    assert re.search(r"it has more than 5000 bytes$|invalid literal for int", passed_over(checkout))
    assert [path.name for path in checkout.layout.downloads.iterdir()] == []


def test_a_body_that_ends_early_is_no_archive(checkout, releases):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = short
    assert passed_over(checkout).endswith(": it ended after 10 bytes")


def test_what_a_server_says_reaches_the_terminal_as_one_printable_line(checkout, releases):
    def says(handler):
        handler.wfile.write(b"HTTP/1.1 500 \x1b[2J\x07gone" + b"!" * 1000 + b"\r\n\r\n")

    releases.habits[releases.offer("alpha", "1.0.0", PROGRAM)] = says
    why = passed_over(checkout)
    assert "HTTP Error 500: \\x1b[2J\\x07gone!!!" in why
    assert len(why) < 300


def test_an_archive_with_the_pinned_checksum_that_unpacks_without_an_end_is_cut(checkout, releases, monkeypatch):
    monkeypatch.setattr(release, "UNPACKED_BYTES", 1 << 20)
    releases.offer("alpha", "1.0.0", PROGRAM, before=b"\0" * (4 << 20))
    assert refusal(checkout) == "alpha: alpha-here.tar.gz cannot be unpacked: it unpacks to more than 1048576 bytes"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no archive", "Not a gzipped file"),
        (gzip.compress(b"no tar"), "invalid header|truncated header|empty"),
        (gzip.compress(b"x" * 3000)[:-10], "Compressed file ended|invalid header"),
    ],
    ids=["no gzip", "no tar", "cut"],
)
def test_what_is_no_archive_is_refused_in_one_line(checkout, releases, content, says):
    releases.put("alpha", "1.0.0", content)
    text = refusal(checkout)
    assert re.search(f"^alpha: alpha-here.tar.gz cannot be unpacked: .*({says})", text), text
    assert "\n" not in text


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_only_a_file_is_taken_out_of_an_archive(checkout, releases, kind):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        inside = tarfile.TarInfo("folder/alpha")
        inside.type, inside.linkname = kind, "/bin/sh"
        tar.addfile(inside)
    releases.put("alpha", "1.0.0", archive.getvalue())
    assert refusal(checkout) == "alpha: alpha-here.tar.gz cannot be unpacked: 'folder/alpha is not a file'"


def test_a_path_out_of_the_folder_goes_nowhere(checkout, releases, tmp_path):
    releases.offer("alpha", "1.0.0", PROGRAM, **{"../../../../escaped": b"x", "/tmp/escaped": b"x"})
    checkout.ensure("alpha")
    assert not list(tmp_path.rglob("escaped"))


def test_an_archive_of_an_earlier_version_with_the_same_name_is_replaced(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    checkout.layout.downloads.mkdir(parents=True)
    (checkout.layout.downloads / "alpha-here.tar.gz").write_bytes(b"of an earlier version")
    checkout.ensure("alpha")
    assert checkout.builds == []
