"""Every machine's config judged by Talos' own validation, and each refusal reported at the patch that causes it.

The judge is a process that this room does not start: `ask` passes it questions. No question holds a secret, because the
judge makes a PKI of its own.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from core.facts.secret_places import LEGACY
from core.machineconfig.merge import LEGACY as WITHOUT_KIND
from core.machineconfig.merge import merge
from core.machineconfig.sources import Source, sources
from core.model import Platform, sealed
from core.model.faults import Fault, fault
from core.model.patches import Place

Question = dict[str, Any]
Answer = dict[str, Any]
Ask = Callable[[Sequence[Question]], Sequence[Answer]]
"""Puts questions to the judge and returns the answers in their order (toolchain/parts/config-judge/main.go)."""

# The lines of an error in which Talos lists what is wrong, beneath those that only count them.
_LISTED = re.compile(r"^\s*\*\s+(.*\S)\s*$", re.MULTILINE)
_COUNTED = re.compile(r"\d+ errors? occurred:?$")
# Where Talos can't read a document: what stands before its reason, and the places in a text that only it has.
_READING = re.compile(r"^read: error decoding document (\S+) \(line \d+\): (?:error decoding .*?: )?", re.DOTALL)
_LINES = re.compile(r"(?:yaml: construct errors:)?\s*line \d+: ")
# Words of Talos' decoder, which repeats values of the config after them, to what they mean.
_DECODER = {
    re.compile(r"unknown keys found during decoding.*", re.DOTALL): "a field that Talos does not know",
    re.compile(r"cannot \w+ \S+ (?:`.*?` )?into time\.Duration", re.DOTALL): "a value that is no duration, as 30s is",
    re.compile(r"cannot \w+ \S+ (?:`.*?` )?into \S+", re.DOTALL): "a value of another type than the field has",
    re.compile(r"unhandled size name: .*", re.DOTALL): "a size in another unit than MiB, GiB, MB, GB and the like",
}
_WHY = "Talos refuses the whole config of each machine that gets it"
_NAMED_MACHINES = 3


def faults(platform: Platform, ask: Ask) -> list[Fault]:
    """What Talos' own validation refuses: one fault for each cause, which names the machines that it concerns."""
    stacks = {name: list(sources(platform, name)) for name in platform.machines}
    answers = ask([_question(platform, name, stack) for name, stack in stacks.items()])
    concerned: dict[tuple[Place, str], list[str]] = {}
    for (name, stack), answer in zip(stacks.items(), answers, strict=True):
        for words in _words(answer):
            # A thousand machines have one cause more often than a thousand.
            place = _known(concerned, words, stack) or _cause(platform, name, stack, words, ask)
            concerned.setdefault((place, words), []).append(name)
    return [_fault(place, words, names) for (place, words), names in concerned.items()]


def _known(concerned: Iterable[tuple[Place, str]], words: str, stack: Sequence[Source]) -> Place:
    """The patch that made Talos say these words of another machine, if this one has it too and no other of its own."""
    if any(source.place[:1] == ("machines",) for source in stack):
        return ()
    there = {source.place for source in stack if source.place}
    return next((place for place, said in concerned if said == words and place in there), ())


def _question(platform: Platform, name: str, stack: Iterable[Source]) -> Question:
    merged = merge(source.document for source in stack).documents
    documents = [sealed.judgeable(LEGACY if key == WITHOUT_KIND else key[0], each) for key, each in merged.items()]
    return {
        "contract": platform.talos.contract,
        "role": platform.machines[name].role,
        "cluster": platform.name,
        "endpoint": platform.api,
        "kubernetes": platform.talos.kubernetes,
        "mode": "metal",
        "config": "\n---\n".join(map(json.dumps, documents)),
    }


def _words(answer: Answer) -> list[str]:
    """Talos' reasons, one for each thing that it refuses; empty where it accepts the config."""
    error = str(answer["error"])
    if not error:
        return []
    listed = [words for words in _LISTED.findall(error) if not _COUNTED.search(words)]
    return list(dict.fromkeys(reason for words in listed or [error] for reason in _reasons(words)))


def _reasons(words: str) -> Iterator[str]:
    """Each reason in what Talos says of one document, without what it repeats of the config around it."""
    reading = _READING.match(words)
    if not reading:
        yield " ".join(words.split())
        return
    document = reading[1].removeprefix("v1alpha1").strip("/").replace("v1alpha1", "machine or cluster")
    for reason in _LINES.split(words[reading.end() :]):
        for decoders, meaning in _DECODER.items():
            reason = decoders.sub(meaning, reason)
        if reason := " ".join(reason.split()).rstrip(";"):
            yield f"{document}: {reason}"


def _cause(platform: Platform, name: str, stack: Sequence[Source], words: str, ask: Ask) -> Place:
    """The place of the patch without which Talos does not say these words; empty where no patch is the cause.

    Asked only where Talos refuses something: once without each patch, and once for each beginning of the list.
    """
    patches = [number for number, source in enumerate(stack) if source.place]
    without = [[source for at, source in enumerate(stack) if at != number] for number in patches]
    bare = [source for source in stack if not source.place]
    upto = [bare, *(stack[: number + 1] for number in patches)]
    answers = ask([_question(platform, name, each) for each in (*without, *upto)])
    said = [words in _words(answer) for answer in answers]
    for number, still in zip(patches, said, strict=False):
        if not still:
            return stack[number].place
    by_itself, *after = said[len(patches) :]
    for number, already in zip(patches, after, strict=True):
        if already and not by_itself:
            return stack[number].place
    return ()


def _fault(place: Place, words: str, names: Sequence[str]) -> Fault:
    shown = ", ".join(names[:_NAMED_MACHINES])
    more = f" and {len(names) - _NAMED_MACHINES} more" if len(names) > _NAMED_MACHINES else ""
    if place:
        where = "" if place[0] == "machines" else f" on {shown}{more}"
        return fault(place, f"is refused by Talos{where}: {words}", _WHY, "remove or correct the patch")
    return fault(
        ("machines",),
        f"Talos refuses the config of {shown}{more}: {words}",
        "no patch is the cause",
        "compare the machine's keys with docs/stack-file.md; if they are right, report this as a bug",
    )


UNASKED = (
    "machine configs were checked with Bedplate's tables alone; ./bedplate preview also asks Talos' own validation"
)
"""What a plan without the judge says of itself."""
