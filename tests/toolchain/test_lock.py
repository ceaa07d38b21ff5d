"""The committed lock: complete, consistent with the Python packages, and honest about its modules."""

import re
import tomllib
from pathlib import Path

import pytest

from toolchain import Layout, ToolchainError
from toolchain.generators import GENERATORS
from toolchain.layout import HERE
from toolchain.lock import load

ROOT = Path(__file__).parents[2]
REAL = load(Layout.of(ROOT).lock)
BUILT = [part for part in REAL.parts.values() if part.kind == "go"]
SDKS = {
    "pulumi": "pulumi",
    "pulumi-resource-kubernetes": "pulumi-kubernetes",
    "pulumi-resource-talos": "pulumiverse-talos",
    "pulumi-resource-matchbox": "pulumiverse-matchbox",
}


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("part", BUILT, ids=lambda part: part.name)
def test_every_built_part_has_a_module_with_the_checksums_of_all_it_requires(part):
    folder = HERE / "parts" / part.folder
    assert re.match(r"(//[^\n]*\n)*\s*module bedplate/toolchain/[\w-]+\n", (folder / "go.mod").read_text())
    if "require" in (folder / "go.mod").read_text():
        assert (folder / "go.sum").read_text().count(" h1:") > 0


@pytest.mark.parametrize("part", BUILT, ids=lambda part: part.name)
def test_every_part_says_all_that_its_build_needs(part):
    assert part.outputs
    assert not part.generate or part.generate in GENERATORS
    assert not part.beside or part.beside in REAL.parts
    assert {product.printed_by for product in part.products} <= set(part.files)
    if part.release:
        assert set(part.release.members) == set(part.files)
        assert set(part.release.sha256) == set(part.release.platforms)
        assert all(re.fullmatch(r"([0-9a-f]{64})?", sum_) for sum_ in part.release.sha256.values())


@pytest.mark.parametrize("name", sorted(REAL.sets))
def test_every_set_names_only_parts_that_there_are(name):
    assert REAL.select([name])


def test_a_test_needs_all_that_a_plan_needs():
    names = {part.name for part in REAL.select(["test"])}
    assert {part.name for part in REAL.select(["plan"])} < names
    assert {"talosctl", "kubevirt-manifests"} < names


@pytest.mark.parametrize(("part", "package"), SDKS.items())
def test_each_plugin_has_the_version_that_its_python_package_asks_for(part, package):
    assert REAL.parts[part].version == pins()[package]
    if part != "pulumi":
        assert REAL.parts[part].plugin == f"{part.removeprefix('pulumi-')}-v{pins()[package]}"


def test_every_python_package_is_pinned_exactly_and_once():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    assert len(pins()) == len(lines)


def test_an_output_names_the_part_that_yields_it():
    assert [part.name for part in REAL.select(["pulumi-language-python-exec"])] == ["pulumi-language-python"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[alpha]\nversion = '1'", "part alpha: 'kind'"),
        ("[alpha]\nkind = 'go'\ncolour = 'red'", "unexpected keyword argument 'colour'"),
        ("[alpha]\nkind = 'go'\n[alpha.outputs.a]\npackage = '.'\ntag = 'x'", "unexpected keyword argument 'tag'"),
        ("[alpha", "lock.toml: "),
    ],
)
def test_a_lock_that_says_too_little_or_too_much_is_refused(tmp_path, text, says):
    (tmp_path / "lock.toml").write_text(text)
    with pytest.raises(ToolchainError, match=re.escape(says)):
        load(tmp_path / "lock.toml")


def test_each_fact_has_a_line_of_its_own():
    text = (HERE / "lock.toml").read_text()
    assert tomllib.loads(text)
    assert not [
        line
        for line in text.splitlines()
        if line.count(" = ") > 1 and not line.lstrip().startswith(("#", "needs", "uses"))
    ]
