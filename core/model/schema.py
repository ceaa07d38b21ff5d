"""The JSON Schema of a stack file, with which editors complete and check what a person types."""

import ast
import inspect
import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from .envelope import KEY, NAMESPACE, OF_THE_ENGINE, SETTINGS
from .platform import Platform


class _Described(GenerateJsonSchema):
    """A JSON Schema in which the docstring of each field is its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe the fields of one model: `x: int = 1`, and its docstring in the next line."""
        made = super().model_schema(schema)
        properties = made.get("properties", {})
        names = {name: field.alias or name for name, field in schema["cls"].model_fields.items()}
        for name, text in _docstrings(schema["cls"]).items():
            properties[names[name]]["description"] = text
        return made


def _docstrings(cls: type) -> dict[str, str]:
    """The docstring of each field of a class, and of the classes that it extends, by name."""
    above = cls.__mro__[1]
    found = _docstrings(above) if above.__module__.startswith("core.") else {}
    for field, text in pairwise(_classes(inspect.getfile(cls))[cls.__name__].body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                found[name] = inspect.cleandoc(docstring)
    return found


@cache
def _classes(file: str) -> dict[str, ast.ClassDef]:
    """The classes of a module's source, by name: each module is read once, whatever number of models it has."""
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    return {each.name: each for each in body if isinstance(each, ast.ClassDef)}


def stack_schema() -> dict[str, Any]:
    """The JSON Schema of Pulumi.<stack>.yaml, keyword to value: a platform under config, and the engine's own keys."""
    platform = _on_one_line(Platform.model_json_schema(mode="validation", schema_generator=_Described))
    definitions = platform.pop("$defs")
    definitions["Platform"] = platform
    for definition in definitions.values():
        _let_sections_be_empty(definition, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bedplate stack file",
        "type": "object",
        "required": ["config"],
        "properties": {
            **{key: {} for key in OF_THE_ENGINE},
            "config": {
                "type": "object",
                "required": [KEY],
                "properties": {**{key: {} for key in SETTINGS}, KEY: {"$ref": "#/$defs/Platform"}},
                "patternProperties": {f"^(?!{NAMESPACE}).*:": {}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _let_sections_be_empty(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Allow no value for mappings and lists that are not required: they set nothing then."""
    for key, field in schema.get("properties", {}).items():
        forms = field.get("anyOf", [field])
        kinds = {definitions.get(form.get("$ref", "").rpartition("/")[2], form).get("type") for form in forms}
        if key in schema.get("required", ()) or not kinds & {"object", "array"} or "null" in kinds:
            continue
        if "anyOf" not in field:
            described = {word: field.pop(word) for word in ("default", "description", "title") if word in field}
            form = dict(field)
            field.clear()
            field |= {"anyOf": [form], **described}
        field["anyOf"].append({"type": "null"})


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
