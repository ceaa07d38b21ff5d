"""`./bedplate check`, and what a plan does before it starts."""

import os

import pytest

from runner.main import main_in


def judged(house):
    file = house.root / "judged"
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def check(house, monkeypatch, capsys):
    """Run the command in a folder of the checkout; the exit code, and what was judged, by its name."""

    def run(*arguments, folder="."):
        (house.root / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(house.root / folder)
        code = main_in(house.layout, ["check", *arguments])
        lines = judged(house)
        words = lines[-1].split() if lines else []
        return code, [os.path.relpath(word, house.root) for word in words if word.endswith(".yaml")], words

    return run


def test_every_stack_of_the_checkout_is_judged_if_none_is_named(check):
    code, files, _ = check()
    assert code == 0 and files == ["Pulumi.dev.yaml", "Pulumi.prod.yaml"]


def test_stacks_and_files_are_judged_wherever_the_command_is_typed(check, house):
    (house.root / "other.yaml").write_text("config: {}\n")
    code, files, words = check("dev", "../other.yaml", "--json", folder="below")
    assert code == 0 and files == ["Pulumi.dev.yaml", "other.yaml"]
    assert "--json" in words and str(house.root / "below") in words


@pytest.mark.parametrize("name", ["nope", "nope.yaml", "Pulumi.nope.yaml"])
def test_what_is_neither_a_stack_nor_a_file_is_refused(check, capsys, name):
    assert check(name)[0] == 2
    assert capsys.readouterr().err == (
        f"bedplate: check: {name!r} is neither a file nor a stack; there are the stacks: dev, prod\n"
    )


def test_a_checkout_without_stacks_is_reported(check, house, capsys):
    for file in house.root.glob("Pulumi.*.yaml"):
        file.unlink()
    assert check()[0] == 2
    assert "the checkout has no file Pulumi.STACK.yaml" in capsys.readouterr().err


def test_a_faulty_file_is_an_exit_code_for_programs(check, house):
    with (house.root / "Pulumi.dev.yaml").open("a") as file:
        file.write("\n# faulty\n")
    assert check("dev")[0] == 2 and check("prod")[0] == 0


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_a_plan_of_a_faulty_file_never_reaches_the_engine(house, capfd, verb):
    house.exists("dev")
    with (house.root / "Pulumi.dev.yaml").open("a") as file:
        file.write("\n# faulty\n")
    assert main_in(house.layout, [verb, "dev"]) == 2
    assert house.calls == [] and "the stack file has 1 fault" in capfd.readouterr().err


@pytest.mark.parametrize("options", [["--config-file", "mine.yaml"], ["--config-file=mine.yaml"]])
def test_a_plan_judges_the_file_that_the_engine_will_read(house, monkeypatch, options):
    house.exists("dev")
    monkeypatch.chdir(house.root)
    (house.root / "mine.yaml").write_text("# faulty\n")
    assert main_in(house.layout, ["preview", "dev", *options]) == 2
    assert house.calls == []


@pytest.mark.parametrize("verb", ["refresh", "destroy"])
def test_an_operation_without_the_program_judges_nothing(house, verb):
    house.exists("dev")
    assert main_in(house.layout, [verb, "dev"]) == 0 and judged(house) == []


@pytest.mark.parametrize("content", [b"# f\xfcr\n", b"\xff\xfe#\x00"])
def test_a_file_that_is_no_text_makes_no_traceback(house, content):
    house.exists("dev")
    file = house.root / "Pulumi.dev.yaml"
    file.write_bytes(content + file.read_bytes())
    main_in(house.layout, ["preview", "dev"])  # The engine of these tests does not read it either.
    assert judged(house)


@pytest.mark.parametrize("verb", ["preview", "drift"])
def test_a_stack_file_that_is_a_pipe_is_not_waited_for(house, capsys, verb):
    file = house.root / "Pulumi.dev.yaml"
    file.unlink()
    os.mkfifo(file)
    assert main_in(house.layout, [verb, "dev"]) == 2
