"""The messages of the Talos API, with the fields that are read or set.

Source: siderolabs/talos, api/machine/machine.proto and api/common/common.proto; cosi-project/specification,
resource.proto and state.proto.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Proto = descriptor_pb2.FieldDescriptorProto


@dataclass(frozen=True)
class _Field:
    number: int
    kind: _Proto.Type.ValueType
    repeated: bool = False
    message: str = ""
    """The type of a field that is a message, in the same package."""


def _text(number: int, repeated: bool = False) -> _Field:
    return _Field(number, _Proto.TYPE_STRING, repeated)


def _flag(number: int) -> _Field:
    return _Field(number, _Proto.TYPE_BOOL)


def _unsigned(number: int) -> _Field:
    return _Field(number, _Proto.TYPE_UINT64)


def _integer(number: int) -> _Field:
    return _Field(number, _Proto.TYPE_INT32)


def _bytes(number: int) -> _Field:
    return _Field(number, _Proto.TYPE_BYTES)


def _one(number: int, message: str) -> _Field:
    return _Field(number, _Proto.TYPE_MESSAGE, False, message)


def _many(number: int, message: str) -> _Field:
    return _Field(number, _Proto.TYPE_MESSAGE, True, message)


# Package to message to field.
_PACKAGES: dict[str, dict[str, dict[str, _Field]]] = {
    "machine": {
        "Empty": {},
        "ApplyConfigurationRequest": {"data": _bytes(1), "mode": _integer(4)},
        "ApplyConfigurationResponse": {},
        "EtcdMemberListRequest": {"query_local": _flag(1)},
        "EtcdMember": {"id": _unsigned(2), "hostname": _text(3), "peer_urls": _text(4, True), "is_learner": _flag(6)},
        "EtcdMembers": {"members": _many(3, "EtcdMember")},
        "EtcdMemberListResponse": {"messages": _many(1, "EtcdMembers")},
        "EtcdLeaveClusterRequest": {},
        "EtcdLeaveClusterResponse": {},
        "EtcdRemoveMemberByIDRequest": {"member_id": _unsigned(1)},
        "EtcdRemoveMemberByIDResponse": {},
        "EtcdSnapshotRequest": {},
        "ResetRequest": {"graceful": _flag(1), "reboot": _flag(2), "mode": _integer(5)},
        "ResetResponse": {},
        "ServiceInfo": {"id": _text(1), "state": _text(2)},
        "ServiceList": {"services": _many(2, "ServiceInfo")},
        "ServiceListResponse": {"messages": _many(1, "ServiceList")},
        "BootstrapRequest": {},
        "BootstrapResponse": {},
        "UpgradeRequest": {"image": _text(1)},
        "Upgrade": {"ack": _text(2)},
        "UpgradeResponse": {"messages": _many(1, "Upgrade")},
        "CPUInfo": {"flags": _text(20, True)},
        "CPUsInfo": {"cpu_info": _many(2, "CPUInfo")},
        "CPUInfoResponse": {"messages": _many(1, "CPUsInfo")},
        "SystemStat": {"boot_time": _unsigned(2)},
        "SystemStatResponse": {"messages": _many(1, "SystemStat")},
        "VersionInfo": {"tag": _text(1)},
        "Version": {"version": _one(2, "VersionInfo")},
        "VersionResponse": {"messages": _many(1, "Version")},
    },
    "common": {
        "Data": {"bytes": _bytes(2)},
    },
    "cosi.resource": {
        "Stamp": {"seconds": _Field(1, _Proto.TYPE_INT64), "nanos": _integer(2)},
        "Metadata": {
            "namespace": _text(1),
            "type": _text(2),
            "id": _text(3),
            "version": _text(4),
            "created": _one(7, "Stamp"),
        },
        "Spec": {"yaml_spec": _text(2)},
        "Resource": {"metadata": _one(1, "Metadata"), "spec": _one(2, "Spec")},
        "ListRequest": {"namespace": _text(1), "type": _text(2)},
        "ListResponse": {"resource": _one(1, "Resource")},
    },
}


def _classes(packages: Mapping[str, Mapping[str, Mapping[str, _Field]]]) -> dict[str, Any]:
    """Each message's class, by the message's name without its package."""
    # A pool of its own: Pulumi's plugins may declare the same packages in the common one.
    pool = descriptor_pool.DescriptorPool()
    for package, messages in packages.items():
        pool.Add(_file(package, messages))
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for package, messages in packages.items()
        for name in messages
    }


def _file(package: str, messages: Mapping[str, Mapping[str, _Field]]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"bedplate/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, is_a in fields.items():
            message.field.add(
                name=field,
                number=is_a.number,
                type=is_a.kind,
                label=_Proto.LABEL_REPEATED if is_a.repeated else _Proto.LABEL_OPTIONAL,
                type_name=f".{package}.{is_a.message}" if is_a.message else None,
            )
    return file


MESSAGES: dict[str, Any] = _classes(_PACKAGES)
"""Message name to message class."""
