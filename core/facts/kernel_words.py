"""Kernel arguments compared with tables, as the kernel reads them: a name is spelled with - or _, and in quotes.

The tables are the caller's: the model's are in kernel_defences.py, the policies' in policy/rules/arguments.py, because
a judge must not read the list of what it judges.
"""

from collections.abc import Iterator, Mapping

from .sysctls import dotted, starts_another


def words(argument: str) -> Iterator[tuple[str, str]]:
    """Name and value of each word of an argument: lower case, without quotes, the name with _ for each - within.

    Source: Linux lib/cmdline.c, next_arg, and kernel/params.c, parameq.
    """
    for word in argument.replace('"', "").lower().split():
        name, _, value = word.partition("=")
        yield name[:1] + name[1:].replace("-", "_"), value


def matches(argument: str, table: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yields each name and value of the table that an argument has, as the table spells it.

    table: the name of each argument to the values that count; an empty tuple for any value, and for none.
    """
    for name, value in words(argument):
        for spelled, bad in table.items():
            if spelled.replace("-", "_") != name:
                continue
            given = value.replace(";", ",").split(",")
            meant = [each for each in bad if each in given] or [each for each in bad if each in map(_switch, given)]
            yield from (f"{spelled}={each}" for each in meant) if bad else (spelled,)


def _switch(value: str) -> str:
    """What the kernel takes a value for where it wants a switch: 1, 0, or an empty text for neither.

    Source: Linux lib/kstrtox.c, kstrtobool, which reads the first letter alone, or two of on and off.
    """
    if value[:1] in tuple("yt1"):
        return "1"
    if value[:1] in tuple("nf0"):
        return "0"
    return {"on": "1", "of": "0"}.get(value[:2], "")


def weakens(
    argument: str,
    table: Mapping[str, tuple[str, ...]],
    lists: Mapping[str, tuple[str, ...]],
    removed: tuple[str, ...],
    sysctls: Mapping[str, tuple[str, ...]],
    programs: Mapping[str, tuple[str, ...]],
) -> Iterator[str]:
    """Yields what of an argument disables a default, as the tables spell it.

    table: as for `matches`. lists: the name of each argument to the words that its value must have. removed: names
    that -name removes. sysctls: the name of each kernel parameter to its allowed values. programs: as for
    `sysctls.starts_another`.
    """
    yield from matches(argument, table)
    for name, value in words(argument):
        yield from (f"{name} without {each}" for each in lists.get(name, ()) if each not in value.split(","))
        yield from (f"-{each}" for each in removed if name == f"-{each}")
        # Source: Linux fs/proc/proc_sysctl.c, process_sysctl_arg: sysctl.NAME or sysctl/NAME, separators in any mix.
        key = dotted(name[len("sysctl.") :].replace("/", "."))
        if not name.startswith(("sysctl.", "sysctl/")):
            continue
        if (key in sysctls and value not in sysctls[key]) or starts_another(key, value, programs):
            yield f"sysctl.{key}"
