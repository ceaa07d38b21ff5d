"""The `talos.snapshots` section: when etcd is saved, and where to."""

from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, Field, WithJsonSchema

from core.facts.addresses import HOST
from core.facts.folders import FOLDER

from .faults import refuse
from .folders import DataFolder
from .pattern import Pattern
from .types import Model, Name

# Each snapshot is a full copy of etcd, and Bedplate deletes none.
_MOST_PER_HOUR = 4

Export = Annotated[
    str,
    Pattern(
        rf"/|{FOLDER}",
        "the path of an NFS export",
        "nodes mount exactly this path",
        "write e.g. /srv/etcd, without a slash at the end",
    ),
]
Server = Annotated[
    str,
    Pattern(
        HOST,
        "the name or address of an NFS server",
        "nodes mount from this server",
        "write e.g. nas.example.com or 192.168.10.3",
    ),
]

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EXAMPLE = 'write e.g. "0 */6 * * *"'


def _schedule(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # Not split(): a line break is no blank to whoever reads the job.
    fields = [field for field in value.split(" ") if field]
    if len(fields) != len(_FIELDS):
        refuse(
            f"has {len(fields)} field{'' if len(fields) == 1 else 's'} instead of five",
            "a schedule consists of minute, hour, day of the month, month and day of the week, in UTC",
            _EXAMPLE,
        )
    minutes, _, days, months, _ = (_values(field, *of) for field, of in zip(fields, _FIELDS, strict=True))
    if len(minutes) > _MOST_PER_HOUR:
        refuse(
            f"runs {len(minutes)} times an hour",
            "each snapshot is a full copy of etcd, and Bedplate deletes none of them",
            f'name at most {_MOST_PER_HOUR} minutes, e.g. "*/15 * * * *"',
        )
    # Where the day of the week is restricted too, cron runs on either of the two days.
    if fields[4] == "*" and not any(day <= _DAYS[month - 1] for month in months for day in days):
        refuse("names a date that no year has", "no snapshot would ever be taken", _EXAMPLE)
    return value


def _values(field: str, name: str, first: int, last: int) -> set[int]:
    """The numbers that a field of cron stands for."""
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        low, dash, high = (str(first), "-", str(last)) if span == "*" else span.partition("-")
        # 5/10 means 5, 15 and so on up to the end.
        high = high if dash else str(last) if slash else low
        if not all(text.isdecimal() and text.isascii() for text in (low, high, step or "1")) or (slash and not step):
            _refuse_part(
                part, name, "a field is *, a number, a range, or one of these with a step; names are not allowed"
            )
        if not first <= int(low) <= int(high) <= last or int(step or 1) < 1:
            _refuse_part(part, name, f"values are {first} to {last}, the lower one first, in steps of at least 1")
        values |= set(range(int(low), int(high) + 1, int(step or 1)))
    return values


def _refuse_part(part: str, name: str, why: str) -> NoReturn:
    refuse(f"{part!r} is not a valid {name}" if len(part) <= 20 else f"contains an invalid {name}", why, _EXAMPLE)


Schedule = Annotated[
    str,
    AfterValidator(_schedule),
    WithJsonSchema({"type": "string", "pattern": r"^ *[0-9*,/-]+( +[0-9*,/-]+){4} *$"}),
]


class NfsSpec(Model):
    """A folder of an NFS server."""

    server: Server = Field(examples=["nas.example.com"])
    path: Export = Field(examples=["/srv/etcd"])
    """The export. User 65532 writes to it; no other user needs to read it."""


class StoreSpec(Model):
    """Where the cluster writes its snapshots: exactly one of the two."""

    nfs: NfsSpec | None = None
    """A folder of an NFS server, version 4.1 or later."""
    claim: Name | None = None
    """A PersistentVolumeClaim of yours, in the namespace etcd-snapshots."""


class SnapshotsSpec(Model):
    """When etcd is saved. It contains everything that Kubernetes knows, Secrets included."""

    before_upgrades: bool = True
    """Save etcd to a file before talos.version, talos.schematic or talos.kubernetes changes. If that fails, nothing is
    upgraded. false upgrades without a way back."""
    folder: DataFolder | None = None
    """Folder for those files, on the computer that runs `up`: one that is backed up. Unset: .toolchain/snapshots of
    the checkout."""
    schedule: Schedule | None = Field(default=None, examples=['"0 */6 * * *"'])
    """When the cluster saves its own etcd in addition: minute, hour, day of the month, month, day of the week, in
    UTC."""
    to: StoreSpec | None = None
    """Where those snapshots are written. Bedplate never deletes old ones."""
