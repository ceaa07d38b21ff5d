"""Look for cycles among resources without recursion, and only where there can be one.

Whenever a resource comes to depend on another, the SDK walks everything that the other depends on, with one Python call
inside another for each step. Machines are upgraded one after the other, each after the last: a plan of 1,000 of them
ended with a RecursionError, and its time grew with their square. A new dependency can close a cycle only if something
depends already on the resource that gets it; only then is there a walk, and it is a loop.
"""

from typing import Any

from pulumi.runtime import resource_cycle_breaker, rpc

from .guard import is_source, replace

# SHA-256 of the source of pulumi.runtime.resource_cycle_breaker in 3.255.
REPLACES = "58bcb372e5e36ee03b06ca0eaf28dcea9696777d5c047b9ebf9bcfe98595c516"
_DEPENDENCIES = "_bedplate_dependencies"
_NEEDED = "_bedplate_is_needed"


def install() -> None:
    """Replace the SDK's search, if it is the known one."""
    if is_source(resource_cycle_breaker, REPLACES):
        replace(rpc, "declare_dependency", declare_dependency)


def declare_dependency(from_resource: Any, to_resource: Any) -> bool:
    """Record that one resource depends on another; False, with nothing recorded, where that would close a cycle."""
    if from_resource is to_resource:
        return False
    if hasattr(from_resource, _NEEDED) and _reaches(to_resource, from_resource):
        return False
    if not hasattr(from_resource, _DEPENDENCIES):
        setattr(from_resource, _DEPENDENCIES, set())
    getattr(from_resource, _DEPENDENCIES).add(to_resource)
    setattr(to_resource, _NEEDED, True)
    return True


def _reaches(start: Any, goal: Any) -> bool:
    seen, todo = {start}, [start]
    while todo:
        fresh: set[Any] = getattr(todo.pop(), _DEPENDENCIES, set()) - seen
        if goal in fresh:
            return True
        seen |= fresh
        todo += fresh
    return False
