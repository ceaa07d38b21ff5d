"""The whole config of one machine, as it is sent: its documents and its PKI, merged in order."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from core import standins

from .merge import Document, Documents, merge

PARTS = ("base", "pki", "configPatches")
"""The inputs that make a config, by the names that the resource's contract gives them, in the order of the merge."""
SECRETS = "secrets"
"""The input with what stands in patches for secrets: stand-in to secret."""

# What JSON writes as it is and YAML does not accept.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def whole(parts: Mapping[str, Any]) -> str:
    """The documents of a machine as one text, each document as JSON, which is YAML too.

    parts: as for `merged`.
    JSON, because every text in it is quoted: Talos and Python read some texts without quotes differently.
    Raises ValueError, which holds nothing of the config, if the config can't be read or Talos would refuse a patch.
    """
    try:
        return "\n---\n".join(map(_json, merged(parts).values())) + "\n"
    except TypeError:
        raise ValueError("a document holds a value that JSON has no word for") from None


def merged(parts: Mapping[str, Any]) -> Documents:
    """The documents that the parts add up to, by kind and name, with secrets in place of their stand-ins.

    parts: the name of each part to its documents as JSON texts, and SECRETS to a mapping. Missing parts count as empty.
    Raises ValueError.
    """
    secrets = parts.get(SECRETS) or {}
    named = ((part, place, text) for part in PARTS for place, text in enumerate(parts.get(part) or ()))
    return _merged([(f"{part}[{place}]", _opened(_read(text), secrets)) for part, place, text in named])


def _opened(document: Any, secrets: Mapping[str, str]) -> Any:
    if not all(each in secrets for each in standins.within(document)):
        raise ValueError("the stack's secret is missing for a stand-in of it")
    return standins.opened(document, secrets) if secrets else document


def formerly_merged(generated: str, patches: Iterable[str]) -> Documents:
    """The same for a state whose config the Talos plugin generated: a YAML text, and patches. Raises ValueError."""
    from core import boundedyaml

    base = [document for document in boundedyaml.load_all(generated, what="the generated config") if document]
    own = [(f"configPatches[{place}]", _read(text)) for place, text in enumerate(patches)]
    return _merged([*(("the generated config", document) for document in base), *own])


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("a document is no JSON") from None


def _merged(documents: list[tuple[str, Document]]) -> Documents:
    """Merge documents, each with the place that a message names it by."""
    result = merge(document for _, document in documents)
    if result.refused:
        reasons = "; ".join(f"{documents[refused.patch][0]} {refused.problem}" for refused in result.refused)
        raise ValueError(reasons)
    return result.documents


def _json(document: object) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
