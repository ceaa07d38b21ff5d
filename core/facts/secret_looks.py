"""Texts that are, or contain, a secret by their looks: keys, passwords, hashes of passwords, tokens."""

import re
from collections.abc import Mapping
from typing import Any

# Source: RFC 7468 and RFC 5958 (PEM), and OpenSSH's PROTOCOL.key.
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
# A password that a variable stands for is none.
_VARIABLE = r"(?!\$|<|\{\{|%)"
_URL = re.compile(
    rf"\b[Hh][Tt]{{2}}[Pp][Ss]?://{_VARIABLE}[^\s/?#@'\"]+@|\b[A-Za-z][A-Za-z0-9+.-]{{0,20}}://[^\s/?#@:'\"]*:{_VARIABLE}[^\s/?#@'\"]+@"
)
# Source: crypt(5) of libxcrypt.
_HASH = re.compile(r"\$(1|2[abxy]|5|6|7|y|gy|argon2id?|pbkdf2[a-z0-9-]*)\$[A-Za-z0-9./+=,$-]{12,}")
_WORD = (
    r"passw(?:or)?d|passwd|passphrase|secret|token|auth[_-]?key|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"pre[_-]?shared[_-]?key|psk|credentials?|activation[_-]key|registration[_-]key|validation[_-]key|join[_-]?token"
)
# Secrets where nothing stands before them but a separator: compass and bypass are none.
_SHORT = r"pass|pwd"
_NAME = re.compile(
    rf"(^|.*[^a-z]|.*[a-z](?=[A-Z]))({_WORD})s?(_private)?\d*|(.*[^a-z])?({_SHORT})\d*|.*_private", re.IGNORECASE
)
_ASSIGNED = re.compile(
    rf"(?i)(?<![\w.])(?:[\w.-]{{0,60}}[\W_])?(?:{_WORD}|{_SHORT})\d*[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"',;]+)"
)
_CAMEL = re.compile(r"\b\w*[a-z](?:Password|Secret|Token|Key)[ \t]*[:=][ \t]*[\"']?([^\s\"',;]{8,})")
_OPTION = re.compile(rf"(?i)(?<!\S)--?(?:[\w-]{{0,60}}-)?(?:{_WORD}|{_SHORT})[= ][\"']?([^\s\"'-][^\s\"']*)")
# An address with the secret behind the question mark.
_QUERY = re.compile(rf"(?i)[?&](?:[\w.-]{{0,60}}[_.-])?(?:{_WORD})={_VARIABLE}([^\s&\"'#]+)")
# An entry of a list of variables, in YAML or JSON.
_BESIDE = re.compile(
    rf"(?i)\bname[\"']?\s{{0,9}}:\s{{0,9}}[\"']?(?:[\w.-]{{0,60}}[\W_])?(?:{_WORD}|{_SHORT})\d*[\"']?"
    r"\s{0,40},?\s{0,40}[\"']?value[\"']?\s{0,9}:\s{0,9}[\"']?([^\s\"',;}]+)"
)
# Source: upsmon.conf(5) and upsd.conf(5) of Network UPS Tools: MONITOR system power-value user password role, and
# CERTIDENT name password. A word with blanks is quoted.
_QUOTED_WORD = r"(?:\"[^\"\n]{1,200}\"|[^\s\"]{1,200})[ \t]{1,40}"
_UPS = re.compile(
    rf"(?m)^[ \t]{{0,40}}(?:MONITOR[ \t]{{1,40}}{_QUOTED_WORD}\d{{1,9}}[ \t]{{1,40}}{_QUOTED_WORD}"
    rf"|CERTIDENT[ \t]{{1,40}}{_QUOTED_WORD})[\"']?{_VARIABLE}[^\s\"']"
)
# A Secret of Kubernetes, and what it holds; other kinds refer to Secrets further to the right.
_OBJECT = re.compile(r"(?m)^kind:[ \t]{0,9}[\"']?Secret[\"']?[ \t\r]{0,9}$|\"kind\"\s{0,9}:\s{0,9}\"Secret\"")
_DATA = re.compile(r"(?m)^(?:stringD|d)ata:(?![ \t]{0,9}\{\})|\"(?:stringD|d)ata\"\s{0,9}:\s{0,9}\{\s{0,9}\"")
_PIPED = re.compile(r"(?<![\w.-])[\w.-]{1,64}:(?!\$)\S{1,200}\s{0,9}\|\s{0,9}(sudo\s{1,9})?chpasswd")
_HEADER = re.compile(r"(?i)authorization:\s*(bearer|basic|token)\s+(?!\$)\S{6,}")
# Source: the documentation of GitHub, GitLab, Slack, AWS, Tailscale and Cloudflare's tunnels; RFC 7519 (the header of a
# JWT in base64).
_TOKEN = re.compile(
    r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}"
    r"|tskey-[a-z]+-[\w-]{10,}|eyJ(hbGciO|0eXAiO|raWQiO|hIjoi)[A-Za-z0-9_-]{8,})"
)
# Values that are no secret: a locked account, a switch, a path, a variable, what a name service is called.
_PLAIN = re.compile(
    r"(?i)[!*x]{1,2}|true|false|yes|no|on|off|none|null|required|optional|random|r|files|compat|systemd|sss|[|>][+-]?"
    r"|/[\w./-]*|file:.*|[$%<{].*|\(secret [0-9a-f]+\)?"
)


# Every text above contains one of these, in small letters. Most texts contain none, and no pattern is tried on them.
_HINTS = (
    *(
        "@",
        "$",
        "pass",
        "pwd",
        "monitor",
        "certident",
        "secret",
        "token",
        "key",
        "psk",
        "credential",
        "authoriz",
        "glpat-",
        "xox",
        "akia",
        "eyj",
    ),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "chpasswd"),
)


def is_plain(text: str) -> bool:
    """Whether the value of a field that holds a password is none: empty, a locked account, a path, a variable."""
    return not text.strip() or bool(_PLAIN.fullmatch(text.strip()))


def is_secret_name(name: str) -> bool:
    """Whether a field or an environment variable of this name holds a secret."""
    return bool(_NAME.fullmatch(name))


def kind_of_variable(name: str, text: str) -> str | None:
    """What a variable contains, by its name or the looks of its value."""
    if is_secret_name(name) and not is_plain(text):
        return "a password or a key"
    return kind_of(text)


def _has_hint(text: str) -> bool:
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS)


def kind_by_form(text: str) -> str | None:
    """What the text contains, such as "a private key", if it has the form of a secret, whatever it is called."""
    if not _has_hint(text):
        return None
    if _KEY.search(text):
        return "a private key"
    if _URL.search(text):
        return "an address with a password"
    if _HASH.search(text):
        return "the hash of a password"
    if _TOKEN.search(text) or _HEADER.search(text):
        return "a token"
    if any(not is_plain(match[1]) for match in _QUERY.finditer(text)):
        return "an address with a password"
    if any(_OBJECT.search(part) and _DATA.search(part) for part in text.split("\n---")):
        return "a Secret of Kubernetes"
    return None


def called(document: Any, path: tuple[str | int, ...]) -> str:
    """What the text at a path is called by what stands beside it; empty where only its key says that.

    That is the name of a variable with name and value, and the option before a word of a command.
    """
    around = document
    for key in path[:-1]:
        if isinstance(around, Mapping):
            around = around.get(key)
        elif isinstance(around, list | tuple) and isinstance(key, int) and key < len(around):
            around = around[key]
    last = path[-1] if path else ""
    if last == "value" and isinstance(around, Mapping):
        return str(around.get("name", ""))
    if isinstance(last, int) and last > 0 and isinstance(around, list | tuple) and last < len(around):
        option = around[last - 1]
        if isinstance(option, str) and option.startswith("-") and not str(around[last]).startswith("-"):
            return option.lstrip("-")
    return ""


def kind_of(text: str) -> str | None:
    """What the text contains, such as "a private key", if it has the form of a secret or assigns one to a name."""
    if found := kind_by_form(text):
        return found
    if not _has_hint(text):
        return None
    if _PIPED.search(text) or _UPS.search(text):
        return "a password"
    values = (match[1] for pattern in (_ASSIGNED, _CAMEL, _OPTION, _BESIDE) for match in pattern.finditer(text))
    return "a password or a key" if any(not is_plain(value) for value in values) else None
