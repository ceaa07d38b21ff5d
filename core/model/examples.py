"""What a field of the model takes, for messages: its documented example, and the form of its texts."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from .faults import Sentence, sentence

_SMALL = 2


def value(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """The documented example of a field, or None where it has none."""
    try:
        return yaml.safe_load(of(field_at(model, path)))
    except (AttributeError, KeyError, IndexError, yaml.YAMLError):
        return None


def of(field: Any) -> str:
    """The documented example of a field as a person writes it; … where it has none."""
    return str(field.examples[0]) if field.examples else "…"


def shown(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """The documented example of the field at a path as a person writes it; empty where it has none."""
    try:
        field = field_at(model, path)
    except (KeyError, IndexError):
        return ""
    return of(field) if field.examples else ""


def number(model: type[BaseModel], path: tuple[str, ...]) -> int:
    """A whole number that the field at a path takes: its example, its default or its lower limit, in this order."""
    try:
        field = field_at(model, path)
    except (KeyError, IndexError):
        return _SMALL
    limits = [getattr(each, "ge", None) for each in field.metadata]
    candidates = [*(field.examples or ()), field.default, *limits]
    found = (each for each in candidates if isinstance(each, int | str) and not isinstance(each, bool))
    return next((int(each) for each in found if str(each).isdecimal() and int(each) > 0), _SMALL)


def mapping(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """A mapping that stands at a path: its documented example, or the keys that it must have."""
    if example := shown(model, path):
        return example
    at = _bare(_annotation(model, path))
    if isinstance(at, type) and issubclass(at, BaseModel):
        required = [f"{key}: {of(field)}" for key, field in fields(at).items() if field.is_required()]
        return f"{{{', '.join(required) or f'{next(iter(fields(at)))}: …'}}}"
    return "{NAME: …}" if get_origin(at) in (Mapping, dict) else "{…}"


def takes(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """What the field at a path takes, such as "a number"; empty for text, and where it is not certain."""
    at = _bare(_annotation(model, path))
    if at is bool:
        return "true or false"
    if at in (int, float):
        return "a number"
    kind = at if isinstance(at, type) else get_origin(at)
    if not isinstance(kind, type):
        return ""
    return "a mapping" if issubclass(kind, BaseModel | Mapping) else "a list" if issubclass(kind, tuple | list) else ""


def refusal_of_text(model: type[BaseModel], path: tuple[str, ...], text: str) -> Sentence | None:
    """Why the field at a path refuses a text; None where it takes the text, or where that is not known."""
    annotation = _annotation(model, path)
    if annotation is None:
        return None
    try:
        TypeAdapter(annotation).validate_python(text)
    except ValidationError as error:
        refused = error.errors(include_url=False)[0]
        if refused["type"] == "refused":
            return Sentence.of(refused["ctx"]["text"])
        example = shown(model, path)
        return sentence(
            f"{text} is not a value of it", "no such text has a meaning here", f"write e.g. {example or '…'}"
        )
    except PydanticUserError:
        return None
    return None


def model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel]:
    """The model at the end of a path. Raises KeyError where the path leads to no model."""
    at = _inner(_bare(_annotation(model, path)))
    if not (isinstance(at, type) and issubclass(at, BaseModel)):
        raise KeyError(path)
    return at


def is_section(model: type[BaseModel], path: tuple[str, ...]) -> bool:
    """Whether one model stands at a path in any case: not a list or mapping of them, nor one that may be absent."""
    at = _annotation(model, path)
    while hasattr(at, "__metadata__"):
        at = at.__origin__
    return isinstance(at, type) and issubclass(at, BaseModel)


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """A model's fields by the keys that a person writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def field_at(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """The field at a path. Raises KeyError where the path leads to none, IndexError for an empty path."""
    return fields(model_at(model, path[:-1]))[path[-1]]


def _inner(annotation: Any) -> Any:
    """The model inside Optional[...], Mapping[..., ...] or a list; without one, the annotation itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    candidates = [_inner(arg) for arg in getattr(annotation, "__args__", ())]
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[-1] if models else annotation


def _annotation(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """The type of what stands at a path, with its validators; None where that is not certain."""
    at: Any = model
    for part in path:
        at = _bare(at)
        if isinstance(at, type) and issubclass(at, BaseModel):
            field = fields(at).get(part)
            at = None if field is None else field.annotation
            if field is not None and field.metadata:
                at = Annotated[(at, *field.metadata)]
        elif isinstance(origin := get_origin(at), type) and issubclass(origin, Mapping | tuple | list):
            at = get_args(at)[1 if issubclass(origin, Mapping) else 0]
        else:
            return None
    return at


def _bare(annotation: Any) -> Any:
    """A type without its validators; of one that may be absent, the type of what is there."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    present = [each for each in get_args(annotation) if each is not type(None)]
    if type(None) in get_args(annotation) and len(present) == 1:
        return _bare(present[0])
    return annotation
