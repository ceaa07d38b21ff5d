"""When etcd is saved, and where to."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from .faults import refuse
from .types import Model, Name, text

# Each is a full copy, and none is ever deleted by us.
_AN_HOUR = 4

AbsoluteFolder = text(
    r"(/[A-Za-z0-9._@-]+)+",
    "a folder's whole path",
    "whoever runs up starts it from another place",
    "write e.g. /srv/snapshots, with no slash at its end",
)
Export = text(
    r"/|(/[A-Za-z0-9._@-]+)+",
    "an NFS export's path",
    "it is mounted as it stands",
    "write e.g. /srv/etcd, with no slash at its end",
)
Server = text(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?",
    "an NFS server's name or address",
    "nodes mount from it",
    "write e.g. nas.example.com or 192.168.10.3",
)

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LIKE = 'write e.g. "0 */6 * * *"'


def _schedule(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    given = value.split()
    if len(given) != len(_FIELDS):
        refuse(
            f"has {len(given)} field{'' if len(given) == 1 else 's'} and not five",
            "they are minute, hour, day of the month, month and day of the week, in UTC",
            _LIKE,
        )
    meant = [_values(field, *of) for field, of in zip(given, _FIELDS, strict=True)]
    if len(meant[0]) > _AN_HOUR:
        refuse(
            f"is {len(meant[0])} times an hour",
            "each is a full copy of etcd, and the storage keeps them all",
            f'name at most {_AN_HOUR} minutes, e.g. "*/15 * * * *"',
        )
    # With both days named, cron takes either.
    if given[4] == "*" and not any(day <= _DAYS[month - 1] for month in meant[3] for day in meant[2]):
        refuse("names a day that no year has", "nothing would ever be saved", _LIKE)
    return value


def _values(field: str, what: str, first: int, last: int) -> set[int]:
    """What a field of cron stands for."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        low, dash, high = (str(first), "-", str(last)) if span == "*" else span.partition("-")
        # 5/10 is 5, 15, … to the end.
        high = high if dash else str(last) if slash else low
        if not all(text.isdecimal() and text.isascii() for text in (low, high, step or "1")) or (slash and not step):
            refuse(
                f"{part!r} is no {what}" if len(part) <= 20 else f"holds what is no {what}",
                "it is *, a number, a range, or steps of one, with no names",
                _LIKE,
            )
        if not first <= int(low) <= int(high) <= last or int(step or 1) < 1:
            refuse(
                f"{part!r} is no {what}" if len(part) <= 20 else f"holds what is no {what}",
                f"it is {first} to {last}, the lower one first, in steps of 1 or more",
                _LIKE,
            )
        found |= set(range(int(low), int(high) + 1, int(step or 1)))
    return found


Schedule = Annotated[
    str,
    AfterValidator(_schedule),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9*,/-]+(\s+[0-9*,/-]+){4}\s*$"}),
]


class Nfs(Model):
    server: Server = Field(examples=["nas.example.com"])
    path: Export = Field(examples=["/srv/etcd"])
    """The export. User 65532 writes there, and nobody else needs to read."""


class Store(Model):
    nfs: Nfs | None = None
    """A folder of an NFS server, from version 4.1 on."""
    claim: Name | None = None
    """A PersistentVolumeClaim of yours, in the namespace etcd-snapshots."""


class SnapshotsSpec(Model):
    """etcd holds all that Kubernetes knows: Secrets, objects, and which disks are whose."""

    before_upgrades: bool = True
    """Save etcd to a file before talos.version, talos.schematic or talos.kubernetes move; what can't be saved is not upgraded. false upgrades with no way back."""
    folder: AbsoluteFolder | None = None
    """Where up writes those files, on the machine that runs it: one that is kept. With none, .toolchain/snapshots of the checkout."""
    schedule: Schedule | None = Field(default=None, examples=['"0 */6 * * *"'])
    """When the cluster saves its own etcd besides: minute, hour, day of the month, month, day of the week, in UTC."""
    to: Store | None = None
    """Where those are written. Old ones are the storage's to delete."""
