"""A Pulumi package as a flat mapping of facts, read from a Python SDK or from a plugin's schema.

A fact is a path such as `resource talos:machine/secrets:Secrets gives machineSecrets.certs.etcd.key`
and its value a type such as `string`, with `?` when it may be left out.
"""

import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi import _types

PRIMITIVES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def of_sdk(package: types.ModuleType) -> dict[str, str]:
    """What the SDK sends and expects: resources, functions, and their nested types."""
    facts: dict[str, str] = {}
    for module in _modules(package):
        for name, cls in vars(module).items():
            if _is_resource(cls, module):
                facts |= _sdk_resource(cls, getattr(module, f"{name}Args"))
            elif inspect.isfunction(cls) and cls.__module__ == module.__name__:
                facts |= _sdk_function(cls, module)
    return facts


def _modules(package: types.ModuleType) -> Iterator[types.ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith((".config", ".config.vars")):
            yield importlib.import_module(found.name)


def _is_resource(cls: Any, module: types.ModuleType) -> bool:
    return (
        inspect.isclass(cls)
        and issubclass(cls, pulumi.CustomResource)
        and not issubclass(cls, pulumi.ProviderResource)
        and cls.__module__ == module.__name__
    )


def _token(cls: type) -> str:
    # Older SDKs name the token only where they register the resource.
    found = re.search(r"__init__\(\s*'([^']+)'", inspect.getsource(getattr(cls, "_internal_init")))  # noqa: B009 - generated, in no type
    assert found, cls
    return found.group(1)


def _sdk_resource(cls: type, args: type) -> dict[str, str]:
    token = f"resource {_token(cls)}"
    facts = {token: "resource"}
    required = _required(args)
    for name, kind in _types.input_type_types(args).items():
        facts |= _sdk_type(f"{token} takes {name}", kind, name not in required)
    optional = _optional_getters(cls)
    for name, kind in _types.resource_types(cls).items():
        facts |= _sdk_type(f"{token} gives {name}", kind, name in optional)
    return facts


def _sdk_function(function: types.FunctionType, module: types.ModuleType) -> dict[str, str]:
    source = inspect.getsource(function)
    invoked = re.search(r"runtime\.invoke\('([^']+)'.*typ=(\w+)\)", source)
    if not invoked:
        return {}
    token = f"function {invoked.group(1)}"
    facts = {token: "function"}
    names = dict(re.findall(r"__args__\['(\w+)'\] = (\w+)", source))
    hints = typing.get_type_hints(function, vars(module))
    for name, python in names.items():
        # The SDK makes every argument of a function optional, whatever the schema says.
        facts |= _sdk_type(f"{token} takes {name}", _class_of(hints[python]), True)
    result = getattr(module, invoked.group(2))
    for name, kind in _types.output_type_types(result).items():
        # `id` is made by the bridge for the result of every function.
        facts |= _sdk_type(f"{token} gives {name}", kind, name in _optional_getters(result))
    return facts


def _class_of(hint: Any) -> Any:
    """The class behind Optional[Union[Args, ArgsDict]]."""
    if typing.get_origin(hint) is typing.Union:
        options = [each for each in typing.get_args(hint) if each is not type(None)]
        return _class_of(options[0])
    return hint


def _required(args: type) -> set[str]:
    parameters = inspect.signature(args).parameters.values()
    python = {p.name for p in parameters if p.default is p.empty}
    names = _types.input_type_py_to_pulumi_names(args)
    return {names.get(each, each) for each in python}


def _optional_getters(cls: type) -> set[str]:
    found = set()
    for name, getter in inspect.getmembers(cls, lambda each: isinstance(each, property)):
        hint = getter.fget.__annotations__.get("return")
        inner = typing.get_args(hint)[0] if str(hint).startswith("pulumi.output.Output[") else hint
        if type(None) in typing.get_args(inner):
            found.add(getattr(getter.fget, "_pulumi_name", name))
    return found


def _sdk_type(path: str, kind: Any, optional: bool) -> dict[str, str]:
    mark = "?" if optional else ""
    kind = _class_of(kind)
    if kind in PRIMITIVES:
        return {path: PRIMITIVES[kind] + mark}
    if typing.get_origin(kind) is not None:
        inner = typing.get_args(kind)[-1]
        return _sdk_type(path + "[]", _class_of(inner), optional)
    facts = {path: "object" + mark}
    if _types.is_input_type(kind):
        required = _required(kind)
        for name, each in _types.input_type_types(kind).items():
            facts |= _sdk_type(f"{path}.{name}", each, name not in required)
    else:
        absent = _optional_getters(kind)
        for name, each in _types.output_type_types(kind).items():
            facts |= _sdk_type(f"{path}.{name}", each, name in absent)
    return facts


def secrets_of_sdk(package: types.ModuleType) -> set[str]:
    """The properties that the SDK itself marks as secret."""
    found = set()
    for module in _modules(package):
        for cls in vars(module).values():
            if not _is_resource(cls, module):
                continue
            source = inspect.getsource(cls._internal_init)
            token = f"resource {_token(cls)}"
            for names in re.findall(r"additional_secret_outputs=\[([^\]]*)\]", source):
                found |= {f"{token} gives {name}" for name in re.findall(r'"(\w+)"', names)}
            for python in re.findall(r'__dict__\["(\w+)"\] = [^\n]*Output\.secret', source):
                name = re.sub(r"_(\w)", lambda m: m.group(1).upper(), python)
                found.add(f"{token} takes {name}")
    return found


def of_schema(schema: Mapping[str, Any]) -> tuple[dict[str, str], set[str]]:
    """The same facts of a plugin's schema, and the paths of all its secrets."""
    facts: dict[str, str] = {}
    secrets: set[str] = set()

    def add(path: str, spec: Mapping[str, Any], optional: bool) -> None:
        if spec.get("secret"):
            secrets.add(path)
        mark = "?" if optional else ""
        if "$ref" in spec:
            facts[path] = "object" + mark
            members(path + ".", schema["types"][spec["$ref"].removeprefix("#/types/")])
        elif spec.get("type") == "array":
            add(path + "[]", spec["items"], optional)
        elif spec.get("type") == "object":
            add(path + "[]", spec["additionalProperties"], optional)
        else:
            facts[path] = spec["type"] + mark

    def members(prefix: str, spec: Mapping[str, Any], key: str = "properties", needed: str = "required") -> None:
        for name, each in spec.get(key, {}).items():
            add(prefix + name, each, name not in spec.get(needed, ()))

    for token, spec in schema["resources"].items():
        facts[f"resource {token}"] = "resource"
        members(f"resource {token} takes ", spec, "inputProperties", "requiredInputs")
        members(f"resource {token} gives ", spec)
    for token, spec in schema["functions"].items():
        if token.startswith("pulumi:providers:"):
            continue
        facts[f"function {token}"] = "function"
        for name, each in spec.get("inputs", {}).get("properties", {}).items():
            add(f"function {token} takes {name}", each, True)
        members(f"function {token} gives ", spec.get("outputs", {}))
    return facts, secrets
