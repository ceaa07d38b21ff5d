"""The whole config of one machine, as it is sent: the generated config with the machine's patches."""

import json
import re
from collections.abc import Iterable

from .merge import merge

# What JSON writes as it is and YAML does not accept.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def whole(generated: str, patches: Iterable[str]) -> str:
    """The documents of a generated config after the patches (JSON texts), each document as JSON, which is YAML too.

    JSON, because every text in it is quoted: Talos and Python read some texts without quotes differently.
    Raises ValueError, which holds nothing of the config, if the config can't be read or Talos would refuse a patch.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Both are safe.
    try:
        base = [document for document in yaml.load_all(generated, loader) if document]
        own = [json.loads(patch) for patch in patches]
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("the generated config is no YAML, or a patch is no JSON") from None
    merged = merge([*base, *own])
    if merged.refused:
        reasons = "; ".join(
            f"configPatches[{refused.patch - len(base)}] {refused.problem}" for refused in merged.refused
        )
        raise ValueError(reasons)
    try:
        return "\n---\n".join(map(_json, merged.documents.values())) + "\n"
    except (TypeError, ValueError):
        raise ValueError("the generated config holds a value that JSON has no word for, such as a date") from None


def _json(document: object) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
