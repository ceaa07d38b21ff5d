"""Text of strangers, made safe to show: what a machine, a BMC or a server says may be written to control a terminal."""

from collections.abc import Iterable

MARK = "…"
"""What stands for the rest of a text that was cut."""
SHOWN_CHARACTERS = 200
"""The length of a stranger's text in a message."""
LINE_CHARACTERS = 4000
"""The length of a whole message or line of progress, which quotes strangers' texts."""


def printable(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    r"""The text as one line of printable characters, at most `limit` of them; a text that was cut ends with MARK.

    Line breaks and other white space become one blank. Every other character that is not printable (control
    characters such as ESC, bidirectional and other invisible formatting, half a character) becomes an escape such as
    \x1b. So a stranger's text can neither clear a terminal, nor set its title, nor begin a line of its own in a log.
    bytes are read as UTF-8. The result passes through unchanged when it is made printable again.
    """
    plain = text.decode(errors="backslashreplace") if isinstance(text, bytes) else str(text)
    # str.split also splits at U+0085, U+2028, U+2029 and at the separators U+001C to U+001F.
    return _cut(map(_shown, " ".join(plain.split())), max(1, limit))


def printable_lines(text: object, limit: int = LINE_CHARACTERS) -> str:
    r"""The text with its line feeds, and each line printable: for messages of our own that have several lines.

    Other line breaks, such as \r and U+2028, do not begin a line. limit: the length of each line. Indentation stays.
    """
    lines = str(text).split("\n")
    return "\n".join(" " * _indent(line, limit) + printable(line, limit) for line in lines)


def _indent(line: str, limit: int) -> int:
    return min(len(line) - len(line.lstrip(" ")), limit) if line.strip() else 0


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(shown: Iterable[str], limit: int) -> str:
    """The characters joined, up to `limit`; an escape is never cut in two."""
    pieces: list[str] = []
    length = 0
    # How many pieces are kept if the text proves too long: they leave room for the mark.
    kept = 0
    for piece in shown:
        length += len(piece)
        if length > limit:
            return "".join(pieces[:kept]) + MARK
        pieces.append(piece)
        if length <= limit - len(MARK):
            kept = len(pieces)
    return "".join(pieces)
