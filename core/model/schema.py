"""The JSON Schema of a stack file, with which editors complete and check what a person types."""

import json
from typing import Any

from .platform import Platform
from .stackfile import KEY


def stack_schema() -> dict[str, Any]:
    """The JSON Schema of Pulumi.<stack>.yaml, keyword to value: a platform under config, and any other key."""
    platform = _on_one_line(Platform.model_json_schema(mode="validation"))
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
                "required": [KEY],
                "properties": {KEY: {"$ref": "#/$defs/Platform"}},
            }
        },
        "$defs": definitions,
    }


def text() -> str:
    """The schema as it is kept in the repository."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def _on_one_line(schema: Any) -> Any:
    """The schema with each description on one line: in the source, a long docstring has several."""
    if isinstance(schema, list):
        return [_on_one_line(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _on_one_line(value)
        for key, value in schema.items()
    }
