"""The one call of the Talos API that we need ourselves: who is a member of etcd.

Talos' certificates are Ed25519. The TLS of the usual gRPC package takes none of those; grpclib uses Python's own.
The messages are those of siderolabs/talos, api/machine/machine.proto, declared as far as they are read.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import GRPCError, StreamTerminatedError
from kubeapi import client_tls

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
        try:
            answer = asyncio.run(asyncio.wait_for(self._ask(address), CALL_SECONDS))
        except (TimeoutError, asyncio.TimeoutError):
            raise NoAnswer(f"no answer within {CALL_SECONDS:.0f} s") from None
        except GRPCError as error:
            raise NoAnswer(f"{error.status.name}: {error.message}".replace("\n", " ")[:200]) from None
        except (StreamTerminatedError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}".replace("\n", " ")[:200]) from None
        return {m.hostname: not m.is_learner for each in answer.messages for m in each.members}

    async def _ask(self, address: str) -> Any:
        host, _, port = address.partition(":")
        # Talos labels its keys after their kind; OpenSSL knows the general label alone.
        key = self.key.decode().replace("ED25519 PRIVATE KEY", "PRIVATE KEY")
        with client_tls(self.ca.decode(), self.certificate.decode(), key) as tls:
            tls.set_alpn_protocols(["h2"])
            # A codec of its own: by default it loads a second google.rpc.Status beside Pulumi's, which is refused.
            async with Channel(host, int(port or PORT), ssl=tls, codec=ProtoCodec()) as channel:
                return await UnaryUnaryMethod(channel, METHOD, Request, Response)(Request())
