"""Reads a YAML file: the only file access of the model."""

from pathlib import Path
from typing import Any

import yaml

from .faults import sentence

# libyaml where the wheel contains it: ten times as fast on a large stack file.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _DuplicateKeyError(yaml.MarkedYAMLError):
    pass


class _Loader(_Base):  # type: ignore[misc]  # Which of the two classes it is depends on the wheel.
    """Refuses a key that a mapping has twice: YAML forbids it, and PyYAML would silently take the last one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names: set[tuple[str, str]] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if (key.tag, key.value) in names:
                raise _DuplicateKeyError(problem=key.value, problem_mark=key.start_mark)
            names.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def read(file: Path, name: str, otherwise: str) -> Any:
    """The content of a YAML file.

    name: the file as messages call it. otherwise: what a file that can't be read would lead to, for the message.
    Raises ValueError with a whole message where the file can't be read, is not YAML, or has a key twice.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            return yaml.load(stream, _Loader)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(
            sentence(f"{name} can't be read ({reason})", otherwise, "write the path of a YAML file in the checkout")
        ) from None
    except _DuplicateKeyError as error:
        key = repr(error.problem) if len(str(error.problem)) <= 63 else "a key"
        raise ValueError(
            sentence(
                f"{name} has {key} twice in one mapping, again{_line(error)}",
                "one of the two values would be lost",
                "rename one of the keys, or remove it",
            )
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(
            sentence(
                f"{name} is not YAML{_line(error)}",
                "nothing in it can be read reliably",
                "correct the syntax; an editor with YAML support marks the place",
            )
        ) from None


def _line(error: yaml.YAMLError) -> str:
    line = getattr(getattr(error, "problem_mark", None), "line", None)
    return "" if line is None else f" in line {line + 1}"
