"""Downloads over https alone, within one deadline and one size, whatever the server does."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from core.printable import printable

from .errors import ToolchainError

MIRROR = "BEDPLATE_MIRROR"
CONNECT_SECONDS = 3
READ_SECONDS = 60
# The largest archive has 125 MB: eight times of that within the deadline at 10 Mbit/s.
TOTAL_SECONDS = 900
LIMIT_BYTES = 1 << 30
CHUNK = 1 << 18


class Unavailable(Exception):
    """This release cannot be downloaded here; another source may do."""


def mirror() -> str:
    """The address of BEDPLATE_MIRROR, without a slash at the end; empty if it is not set.

    Raises ToolchainError for any but a plain https address.
    """
    given = os.environ.get(MIRROR, "")
    try:
        split = urlsplit(given)
        split.port  # noqa: B018 - raises ValueError for one that is no number
        plain = given.isascii() and given.isprintable() and " " not in given
    except ValueError:
        raise ToolchainError(f"{MIRROR} is not an address; write for example https://mirror.example.com") from None
    if "@" in split.netloc:
        # The value is not shown: a password is in it.
        raise ToolchainError(
            f"{MIRROR} contains a user name or a password, which logs and error messages would show; "
            "write the address without them"
        )
    if given and not (plain and split.scheme == "https" and split.hostname and not split.query and not split.fragment):
        shown = given if plain else ascii(given)
        raise ToolchainError(
            f"{MIRROR} is {shown}: releases are downloaded over https alone, because anyone on the way can change "
            f"what comes over http; write for example https://{split.netloc or 'mirror.example.com'}"
        )
    return given.rstrip("/")


def mirrored(url: str) -> str:
    """The address to download from: the official one, or the same path below BEDPLATE_MIRROR."""
    place = mirror()
    return place + urlsplit(url).path if place else url


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirect from https to https, and no other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        split = urlsplit(newurl)
        if split.scheme != "https" or "@" in split.netloc:
            raise urllib.error.URLError(f"it redirects to {_shown(newurl)}, which is not plain https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: one is as good an answer as any."""

    def redirect_request(self, *_: object) -> None:
        return None


def _shown(url: str) -> str:
    split = urlsplit(url)
    return printable(f"{split.scheme}://{split.netloc.rpartition('@')[2]}")


def probe(origin: str) -> str | None:
    """Why nothing answers at an origin such as `https://mirror.example.com`; None if something does."""
    opener = urllib.request.build_opener(_Nowhere)
    try:
        opener.open(urllib.request.Request(origin + "/", method="HEAD"), timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # The origin answers; a refused top page tells nothing about an archive.
    except (OSError, ValueError, HTTPException) as fault:
        return printable(str(getattr(fault, "reason", fault)).removeprefix("[Errno -2] "))
    return None


class _Download(threading.Thread):
    """One download. It is a thread, so that its deadline holds wherever it waits: name, handshake, header or body."""

    def __init__(self, url: str, file: IO[bytes], accept: str) -> None:
        super().__init__(daemon=True)
        self.url, self.file = url, file
        self.headers = {"Accept": accept}
        self.given_up = threading.Event()
        self.fault: str | None = None

    def run(self) -> None:
        try:
            request = urllib.request.Request(self.url, headers=self.headers)
            with urllib.request.build_opener(_HttpsOnly).open(request, timeout=READ_SECONDS) as answer:
                announced = int(answer.headers.get("Content-Length") or 0)
                self._copy(answer, announced)
        except (OSError, ValueError, HTTPException, MemoryError) as fault:
            said = str(fault) if isinstance(fault, urllib.error.HTTPError) else str(getattr(fault, "reason", fault))
            self.fault = printable(said) or type(fault).__name__

    def _copy(self, answer: IO[bytes], announced: int) -> None:
        size = 0
        while announced <= LIMIT_BYTES and not self.given_up.is_set():
            chunk = answer.read(CHUNK)
            size += len(chunk)
            if size > LIMIT_BYTES:
                break
            if not chunk:
                self.fault = None if size == announced or not announced else f"it ended after {size} bytes"
                return
            self.file.write(chunk)
        self.fault = f"it has more than {LIMIT_BYTES} bytes"


def download(url: str, file: Path, accept: str = "*/*") -> None:
    """Write what an https address serves to a new file, which is complete once it has its name.

    accept: the type of content to ask for.

    Raises Unavailable if that fails, takes longer than TOTAL_SECONDS, or is larger than LIMIT_BYTES.
    """
    if urlsplit(url).scheme != "https":
        raise Unavailable(f"{url}: only https is used")
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        with open(fresh, "xb") as handle:
            running = _Download(url, handle, accept)
            running.start()
            running.join(TOTAL_SECONDS)
            running.given_up.set()
            late = running.is_alive()
        if late:
            raise Unavailable(f"{url}: it was not complete after {TOTAL_SECONDS} s")
        if running.fault:
            raise Unavailable(f"{url}: {running.fault}")
        os.replace(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)
