"""The committed lock: complete, consistent with the Python packages, and honest about its modules."""

import re
import tomllib
from pathlib import Path

import pytest

from toolchain import Layout, ToolchainError, hashes
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
    return hashes.pins((ROOT / "requirements.txt").read_text())


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
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] not in "# -"]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]* \\", line) for line in lines)
    assert len(pins()) == len(lines)


def test_pip_takes_only_wheels_whose_checksum_is_pinned_whoever_calls_it():
    text = (ROOT / "requirements.txt").read_text()
    assert "\n--require-hashes\n--only-binary :all:\n" in text
    # pip itself refuses a file in which a package has no checksum; here each has one of 64 digits, and none is twice.
    sums = re.findall(r"^ +--hash=sha256:([0-9a-f]{64})(?: \\)?$", text, re.MULTILINE)
    assert text.count("--hash") == len(sums) == len(set(sums))


def test_the_compiler_that_comes_as_a_wheel_has_its_checksum_for_each_platform():
    assert set(REAL.parts["go"].wheels) == set(hashes.PLATFORMS)
    assert all(re.fullmatch("[0-9a-f]{64}", sum_) for sum_ in REAL.parts["go"].wheels.values())


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
