"""One value of a patch merged over the value that earlier patches left at the same field.

Each function takes the field, the earlier value (None: there is none) and the patch's.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from .rule import Field, Rule

_ZERO_DURATION = frozenset({"0", "0s", "0m", "0h", "0h0m0s", "0m0s", "0ms"})

_NULL_OVER_VALUE = (
    "has null where an earlier patch has a value, in content whose types Talos does not know, so it can't merge them; "
    "delete the field with $patch: delete"
)
_TWO_TYPES = (
    "has a value of another type than an earlier patch, in content whose types Talos does not know, "
    "so it can't merge them; write both with one type"
)
_WRONG_TYPE = "has a value of a type that Talos does not accept there; write the type that Talos' documentation names"
_TWO_SIZES = (
    "sets the size of the install disk, as an earlier patch does, and Talos can't merge two sizes; set it in one place"
)


class RefusedError(Exception):
    """Talos refuses to merge a patch. The text says why and holds no value of the patch."""


def _over(field: Field, left: Any, right: Any, free: bool) -> Any:
    """A patch's value over the one that earlier patches left. `free`: inside free content (Rule.OPEN)."""
    if right is None:
        if free and left is not None:
            raise RefusedError(_NULL_OVER_VALUE)
        return left
    if field.rule in _BY_RULE:
        return _BY_RULE[field.rule](field, left, right)
    free = free or field.rule is Rule.OPEN
    if free and left is not None and type(left) is not type(right):
        raise RefusedError(_TWO_TYPES)
    if isinstance(right, Mapping):
        return copy.deepcopy(right) if not isinstance(left, Mapping) else merge_mapping(field, left, right, free)
    if isinstance(right, list):
        return [*(left if isinstance(left, list) else ()), *copy.deepcopy(right)]
    return left if left is not None and _unset(right, free) else right


def _unset(value: Any, free: bool) -> bool:
    return value == "" or (free and not isinstance(value, bool) and value == 0)


def merge_mapping(
    field: Field, left: Mapping[str, Any], right: Mapping[str, Any], free: bool = False
) -> dict[str, Any]:
    """A mapping (field to value) of a patch over the one that earlier patches left. Raises RefusedError."""
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _over(field.at(key), left.get(key), value, free)
    for key, below in field.below.items():
        if right.get(key) is not None or key not in left:
            continue
        if below.rule is Rule.RESET:
            del merged[key]
        elif below.rule is Rule.INLINE and isinstance(left[key], Mapping):
            merged[key] = merge_mapping(below, left[key], {})
    return merged


def _count(field: Field, left: Any, right: Any) -> Any:
    return left if right == 0 and left is not None else right


def _duration(field: Field, left: Any, right: Any) -> Any:
    return left if str(right) in {"", *_ZERO_DURATION} and left is not None else right


def _word(field: Field, left: Any, right: Any) -> Any:
    return left if str(right) in ("", field.unset) and left is not None else right


def _replaced(field: Field, left: Any, right: Any) -> Any:
    return left if right == {} else copy.deepcopy(right)


def _whole(field: Field, left: Any, right: Any) -> Any:
    return copy.deepcopy(right)


def _flags(field: Field, left: Any, right: Any) -> Any:
    return {**_as(Mapping, left, {}), **copy.deepcopy(_as(Mapping, right, {}))}


def _once(field: Field, left: Any, right: Any) -> Any:
    if left is not None:
        raise RefusedError(_TWO_SIZES)
    return right


def _size(field: Field, left: Any, right: Any) -> Any:
    return left if left is not None and (right == "" or ("%" in str(right) and "%" not in str(left))) else right


def _url(field: Field, left: Any, right: Any) -> Any:
    if not left or not right:
        return left or right
    from urllib.parse import urlsplit

    try:
        below, above = urlsplit(str(left)), urlsplit(str(right))
    except ValueError:
        raise RefusedError(
            "has a value that is not a URL where Talos takes only one; write e.g. https://10.0.0.1:6443"
        ) from None
    users = [parts.netloc.rpartition("@")[0] for parts in (above, below)]
    if all(users):
        raise RefusedError(
            "has a URL with a user, as an earlier patch does; Talos can't merge two users; write the user in one place"
        )
    host = above.netloc.rpartition("@")[2] or below.netloc.rpartition("@")[2]
    user = users[0] or users[1]
    return above._replace(
        scheme=above.scheme or below.scheme,
        netloc=f"{user}@{host}" if user else host,
        path=above.path or below.path,
        query=above.query or below.query,
        fragment=above.fragment or below.fragment,
    ).geturl()


def _as(wanted: Any, value: Any, absent: Any) -> Any:
    """The value. Raises RefusedError if it is of another type, which Talos can't read."""
    if value is not None and not isinstance(value, wanted):
        raise RefusedError(_WRONG_TYPE)
    return absent if value is None else value


def _mappings(value: Any) -> list[Any]:
    """A list of mappings. Raises RefusedError if it is none."""
    return [_as(Mapping, element, {}) for element in _as(list, value, [])]


def _listed(field: Field, left: Any, right: Any, same: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]) -> Any:
    """Merge each element into the first earlier one that is the same, or else append it."""
    merged = _mappings(left)
    for element in _mappings(right):
        at = next((n for n, earlier in enumerate(merged) if same(earlier, element)), None)
        if at is None:
            merged.append(copy.deepcopy(element))
        else:
            merged[at] = _over(field.at("[]"), merged[at], element, False)
    return merged


def _keyed(key: str, absent: str | int = "") -> Callable[[Field, Any, Any], Any]:
    """A merge of lists by one key, whose zero is what an element without it has."""

    def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return bool((one.get(key) or absent) == (other.get(key) or absent))

    return lambda field, left, right: _listed(field, left, right, same)


def _interfaces(field: Field, left: Any, right: Any) -> Any:
    return _listed(field, left, right, _same_interface)


def _same_interface(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if other.get("interface"):
        return bool(one.get("interface") == other["interface"])
    selectors = [_set_fields(each.get("deviceSelector")) for each in (one, other)]
    # Talos compares selectors with a pointer in `physical`, so two of them with that field are never equal.
    return selectors[0] is not None and selectors[0] == selectors[1] and "physical" not in selectors[0]


def _set_fields(selector: Any) -> dict[str, Any] | None:
    if not isinstance(selector, Mapping):
        return None
    return {key: value for key, value in selector.items() if value not in (None, "")}


def _rules(field: Field, left: Any, right: Any) -> Any:
    merged = _mappings(left)
    earlier = {rule.get("image") or "": number for number, rule in enumerate(merged)}
    for rule in copy.deepcopy(_mappings(right)):
        if (rule.get("image") or "") in earlier:
            merged[earlier[rule.get("image") or ""]] = rule
        else:
            merged.append(rule)
    return merged


_BY_RULE: dict[Rule, Callable[[Field, Any, Any], Any]] = {
    Rule.COUNT: _count,
    Rule.DURATION: _duration,
    Rule.WORD: _word,
    Rule.REPLACED: _replaced,
    Rule.CERTIFICATE: _whole,
    Rule.EVEN_EMPTY: _whole,
    Rule.RESET: _whole,
    Rule.FLAGS: _flags,
    Rule.URL: _url,
    Rule.SIZE: _size,
    Rule.ONCE: _once,
    Rule.NAMED: _keyed("name"),
    Rule.VLANS: _keyed("vlanId", 0),
    Rule.MOUNTED: _keyed("mountPath"),
    Rule.INTERFACES: _interfaces,
    Rule.RULES: _rules,
}
