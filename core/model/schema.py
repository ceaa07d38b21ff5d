"""The JSON Schema of a stack file, for editors to complete and check what a person types.
"""

import json
from typing import Any

from .model import Platform


def stack_schema() -> dict[str, Any]:
    """The schema of Pulumi.<stack>.yaml: a platform under config, other keys as Pulumi has them."""
    platform = Platform.model_json_schema(mode="validation")
    definitions = platform.pop("$defs")
    definitions["Platform"] = platform
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bedplate stack file",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": ["bedplate:platform"],
                "properties": {"bedplate:platform": {"$ref": "#/$defs/Platform"}},
            }
        },
        "$defs": definitions,
    }


def text() -> str:
    """The schema as it is kept in the repository."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"
