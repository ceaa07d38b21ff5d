"""Former names of resources: a state that an earlier release wrote keeps its resources under their new names.

The release after 0.1.0 moved each machine's resources into a component of its own, and shortened names that said a
thing twice. States of 0.1.0 (commit 8d91f80) have the former names; tests/engine/test_old_states.py holds recorded
ones.
"""

from collections.abc import Sequence

from pulumi import Alias, Resource, ResourceOptions


def formerly(opts: ResourceOptions, *, name: str | None = None, parent: Resource | None = None) -> ResourceOptions:
    """The options with an alias: the resource's former name, its former parent, or both."""
    if parent is None:
        alias = Alias(name=name)
    elif name is None:
        alias = Alias(parent=parent)
    else:
        alias = Alias(name=name, parent=parent)
    return ResourceOptions.merge(opts, ResourceOptions(aliases=[alias]))


def formerly_plugins(opts: ResourceOptions, *, token: str, parents: Sequence[Resource]) -> ResourceOptions:
    """The options with an alias for each former parent: the resource was a plugin's, of this type, under its own name.

    Between two default providers the engine takes the resource over as an update. It is not replaced, and the plugin
    is not called.
    """
    aliases = [Alias(type_=token, parent=parent) for parent in parents]
    return ResourceOptions.merge(opts, ResourceOptions(aliases=aliases))
