"""Characters that a reader does not see and a program acts on: which of them a text contains."""

import unicodedata

# Source: Unicode Standard, general categories: control, format, surrogate, line separator and paragraph separator.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAYOUT = frozenset("\n\t")


def invisible(text: str, *, lines: bool = False) -> str | None:
    """The first such character as Unicode names its number, such as U+001B; None where the text has none.

    lines: the text may have several lines and tabs.
    """
    # Nearly every text ends here.
    if text.isascii() and text.isprintable():
        return None
    allowed = _LAYOUT if lines else frozenset()
    text = text.replace("\r\n", "\n") if lines else text
    found = (c for c in text if unicodedata.category(c) in _INVISIBLE and c not in allowed)
    return next((f"U+{ord(c):04X}" for c in found), None)
