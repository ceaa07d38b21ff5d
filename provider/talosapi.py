"""The one call of the Talos API that we need ourselves: who is a member of etcd.

The messages are those of siderolabs/talos, api/machine/machine.proto, declared as far as they are read.
"""

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PORT = 50000
CALL_SECONDS = 5.0
METHOD = "/machine.MachineService/EtcdMemberList"

_Field = descriptor_pb2.FieldDescriptorProto


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="bedplate/machine.proto", package="machine", syntax="proto3")

    def message(name: str, **fields: tuple[int, int, bool, str]) -> None:
        made = file.message_type.add(name=name)
        for field, (number, kind, repeated, of) in fields.items():
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            made.field.add(name=field, number=number, type=kind, label=label, type_name=of or None)

    message("EtcdMemberListRequest", query_local=(1, _Field.TYPE_BOOL, False, ""))
    message(
        "EtcdMember",
        id=(2, _Field.TYPE_UINT64, False, ""),
        hostname=(3, _Field.TYPE_STRING, False, ""),
        is_learner=(6, _Field.TYPE_BOOL, False, ""),
    )
    message("EtcdMembers", members=(3, _Field.TYPE_MESSAGE, True, ".machine.EtcdMember"))
    message("EtcdMemberListResponse", messages=(1, _Field.TYPE_MESSAGE, True, ".machine.EtcdMembers"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ("EtcdMemberListRequest", "EtcdMemberListResponse")
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"machine.{n}")) for n in names}


_MESSAGES = _messages()
Request, Response = _MESSAGES["EtcdMemberListRequest"], _MESSAGES["EtcdMemberListResponse"]


class NoAnswer(OSError):
    """The Talos API did not answer as it should."""


@dataclass(frozen=True)
class Client:
    """A client of the Talos API: PEM texts."""

    ca: bytes
    certificate: bytes
    key: bytes

    def members(self, address: str) -> dict[str, bool]:
        """Each etcd member's host name, and whether it has a vote. Raises NoAnswer."""
        target = address if ":" in address else f"{address}:{PORT}"
        credentials = grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)
        # A proxy of the environment must not come between: the API is on the node network.
        with grpc.secure_channel(target, credentials, options=(("grpc.enable_http_proxy", 0),)) as channel:
            call = channel.unary_unary(METHOD, Request.SerializeToString, Response.FromString)
            try:
                answer = call(Request(), timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                raise NoAnswer(f"{error.code().name}: {error.details()}".replace("\n", " ")[:200]) from None
        return {m.hostname: not m.is_learner for each in answer.messages for m in each.members}
