"""How a value of the stack file is set by a command, whatever its place is."""

from .faults import Sentence

Path = tuple[str | int, ...]
"""Keys down to a value; an int is the position in a list."""

STACK = "STACK"
"""What stands for the stack's name in a command where it is not known."""


def command(path: Path, stack: str = STACK) -> str:
    """The command that encrypts the value at a path of the platform; it reads the value from its standard input."""
    return f"./bedplate pulumi config set --path --secret 'bedplate:platform{property_path(path)}' --stack {stack}"


def named(text: str, stack: str) -> Sentence:
    """A message with the stack's name in its commands."""
    parts = Sentence.of(text)
    return Sentence(*(_named(part, stack) for part in (parts.what, parts.why, parts.instead)))


def _named(text: str, stack: str) -> str:
    return text.replace(f"--stack {STACK}", f"--stack {stack}").replace(f"Pulumi.{STACK}.yaml", f"Pulumi.{stack}.yaml")


def property_path(path: Path) -> str:
    """A path as the engine's command reads it: .talos.patches[0].variables["a.b"].

    Source: pulumi/pulumi sdk/go/common/resource/property_path.go.
    """
    return "".join(f"[{key}]" if isinstance(key, int) else _property(key) for key in path)


def _property(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum()
    return f".{key}" if plain else '["{}"]'.format(key.replace("\\", "\\\\").replace('"', '\\"'))
