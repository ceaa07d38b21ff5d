"""The docs match the repository: links, pictures, decisions, and the tests that a page names."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from conftest import ROOT, changed, stack_platform

from core.model import StackFileError, parse

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def read(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.*)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target, _, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(#([^)]+))?\)", read(page)):
        file = (page.parent / target) if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_path_in_a_page_exists(page):
    """A path in backticks is one of the repository's, unless its first folder is none."""
    rooms = {p.name for p in ROOT.iterdir() if p.is_dir()}
    for path in re.findall(r"`([a-z]+(?:/[\w.-]+)+/?)`", read(page)):
        if path.split("/")[0] in rooms and page.name != "CHANGELOG.md":
            assert (ROOT / path).exists(), path


# Words of docs/style.md that a reader has to decipher, each with the trade's own.
UNCLEAR = {
    r"(fore)?tell(s|ing)?|(fore)?told": "report, say",
    r"mend(s|ed|ing)?": "fix",
    r"keeps? (nobody|nobody's|those|them|others)": "block",
    r"manners?": "options",
    r"anew": "again",
    r"nobody": "name the subject",
    r"is asked|are asked|was asked": "query, request",
    r"puts? (it|them) right": "correct",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_has_no_word_that_must_be_deciphered(page):
    if page.name in ("style.md", "policies.md"):
        return
    prose = re.sub(r"```.*?```|`[^`]*`", "", read(page), flags=re.DOTALL)
    for words, instead in UNCLEAR.items():
        unclear = re.search(rf"[^.\n]*\b({words})\b[^.\n]*", prose, re.IGNORECASE)
        assert not unclear, f"write {instead}: {unclear[0].strip()}"


def test_every_test_that_a_trap_names_is_there():
    """A guard whose test was renamed or deleted would go on being claimed."""
    for path, name in re.findall(r"`((?:tests/[\w/]+\.(?:py|yaml))|…)(?:::(\w+))?`", read("docs/talos-provider.md")):
        file = ROOT / ("tests/program/test_graph.py" if path == "…" else path)
        assert file.exists(), file
        assert not name or f"def {name}(" in read(file), name


def test_every_trap_has_a_guard_and_a_test_of_its_own():
    """A row that names none, or a whole folder, claims what no test checks."""
    rows = [line.split(" | ") for line in read("docs/talos-provider.md").splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    for row in rows:
        trap, guard, test = row
        named = re.findall(r"`(tests/[\w/]+\.(?:py|yaml)|…::\w+)", test)
        assert guard.strip() and named, trap


def drawn() -> dict[str, set[str]]:
    """The names drawn in the picture of the tree, by folder; a folder ends in a slash."""
    picture = re.findall(r"```\n(.*?)```", read("docs/architecture.md"), re.DOTALL)[0]
    children: dict[str, set[str]] = {"": set()}
    path: list[str] = []
    for line in picture.splitlines():
        name, note = line.split(maxsplit=1)
        depth = (len(line) - len(line.lstrip())) // 2
        path[depth:] = [name]
        children.setdefault("".join(path[:-1]), set()).add(name)
        if name.endswith("/"):
            children["".join(path)] = {"…"} if note == "…" else set()
    return children


def hidden(name: str) -> bool:
    ignored = [line.strip("/") for line in read(".gitignore").splitlines() if line]
    return name.startswith((".", "__pycache__")) or any(fnmatch(name, pattern) for pattern in ignored)


def entries(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if not hidden(path.name):
            yield f"{path.name}/" if path.is_dir() else path.name


def test_the_picture_of_the_tree_is_the_tree():
    """At every level that it shows: no entry too many, and none missing."""
    picture = drawn()
    # Whoever works with Bedplate has stack files of their own.
    own = {name for name in entries(ROOT) if fnmatch(name, "Pulumi.*.yaml")} - picture[""]
    assert picture[""] == set(entries(ROOT)) - own
    assert len(picture) > 30
    for folder, names in picture.items():
        if folder and names != {"…"}:
            assert names == {name for name in entries(ROOT / folder) if name.endswith("/")}, folder


def test_the_drawing_of_the_data_flow_is_the_program():
    drawing = re.findall(r"```\n(.*?)```", read("docs/architecture.md"), re.DOTALL)[1]
    program = read("__main__.py")
    layers = next(line for line in drawing.splitlines() if line.lstrip().startswith("Metal"))
    names = re.findall(r"\b([A-Z]\w+)\b", layers)
    assert len(names) == 6
    positions = [program.index(f".{name}(") for name in names]
    assert positions == sorted(positions)
    below = drawing.splitlines()[drawing.splitlines().index(layers) + 1]
    for output in below.split():
        assert re.search(rf"\.{output}\b", program), output
    assert "core/loading" in drawing and (ROOT / "core/loading").is_dir()


@pytest.mark.parametrize("page", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_has_a_date_a_context_a_decision_and_a_consequence(page):
    form = re.fullmatch(
        r"# (\d+)\. [^\n]+\n\nDate: (\d{4}-\d\d-\d\d)\n\n"
        r"## Context\n\n(.+?)\n\n## Decision\n\n(.+?)\n\n## Consequence\n\n(.+?)\n",
        read(page),
        re.DOTALL,
    )
    assert form, "not in the form of docs/decisions/README.md"
    assert page.name.startswith(f"{int(form[1]):04d}-")
    assert len(read(page).splitlines()) <= 30


def test_the_index_of_decisions_has_each_once_in_order():
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+\.md)\) \| (.+) \|$", read("docs/decisions/README.md"), re.MULTILINE)
    assert [row[2] for row in rows] == [page.name for page in DECISIONS]
    for number, title, file, date in rows:
        page = read(f"docs/decisions/{file}")
        assert page.startswith(f"# {number}. {title}\n\nDate: {date}\n"), file
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))


def code_strings() -> str:
    """Every string of the code that ships, one per line, with … for what is filled in."""
    strings = []
    for room in ("core", "clients", "components", "provider", "operations", "runner"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    strings.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    strings.append("".join(p.value if isinstance(p, ast.Constant) else "…" for p in node.values))
    return "\n".join(strings)


def quoted_messages() -> Iterator[tuple[str, str]]:
    """Each message in the first column of a table of messages, or after `says`, with its page."""
    for page in ("docs/power.md", "docs/machine-does-not-boot.md", "docs/runbooks/adopt.md"):
        yield from ((page, message) for message in re.findall(r"\bsays `([^`]+)`", read(page)))
        for table in re.findall(r"^\| (?:Message|[^|]*reports) \|.*\n\|[-|]+\n((?:\|.*\n)+)", read(page), re.MULTILINE):
            for row in table.splitlines():
                yield from ((page, message) for message in re.findall(r"`([^`]+)`", row.split(" | ")[0]))


def is_message(quote: str, strings: str) -> bool:
    """Whether a string has the quote, with … for any text, or two strings together that one fills into the other."""

    def has(words: str) -> bool:
        return re.search(r"[^\n]*".join(map(re.escape, words.split("…"))), strings) is not None

    splits = [(quote[:at], quote[at + 1 :]) for at, letter in enumerate(quote) if letter == " "]
    return has(quote) or any(f"{outer} …" in strings and f"\n{inner}\n" in strings for outer, inner in splits)


def test_every_message_that_a_page_quotes_is_one_of_the_code():
    messages, strings = list(quoted_messages()), code_strings()
    assert len(messages) > 15
    assert [each for each in messages if not is_message(each[1], strings)] == []


def test_the_readme_shows_the_two_commands():
    commands = re.findall(r"```sh\n(.*?)\n```", read("README.md"))
    assert commands == ["./bedplate preview dev", "./bedplate test"]
    assert "./bedplate test" in read(".ci/run")


def test_the_faults_that_the_readme_shows_are_the_loaders():
    faulty = changed(stack_platform("prod"), {"machines.cp-2.address": "10.20.0.11", "talos.verson": "v1.12.0"})
    with pytest.raises(StackFileError) as refused:
        parse(faulty)
    assert f"{refused.value.report}\n```" in read("README.md")
