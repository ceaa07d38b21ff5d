"""Entries that are a mapping or, for short, one plain value."""

from typing import Any

from pydantic import GetJsonSchemaHandler, TypeAdapter


class OrPlain:
    """Marks such an entry, and lets its JSON Schema accept the plain value. It is no section: it is never empty."""

    def __init__(self, plain: TypeAdapter[Any]) -> None:
        self.plain = plain

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self.plain.json_schema(), handler(schema)]}
