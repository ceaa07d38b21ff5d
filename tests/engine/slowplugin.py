"""A plugin for tests whose calls take seconds, so that the engine ends first."""

import os
import signal
import time
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

SECONDS = 8


class Slow(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine's requests at its start immediately, and the program's calls late."""

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return a version; any will do."""
        return plugin_pb2.PluginInfo(version="0.0.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Take the provider's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Find no difference."""
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        """Accept what the engine offers."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:
        """Continue, because a plugin may take its time."""
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer late."""
        time.sleep(SECONDS)
        return provider_pb2.InvokeResponse()

    def Call(self, request: Any, context: Any) -> Any:
        """Answer late."""
        time.sleep(SECONDS)
        return provider_pb2.CallResponse()

    def Read(self, request: Any, context: Any) -> Any:
        """Answer late."""
        time.sleep(SECONDS)
        return provider_pb2.ReadResponse(id=request.id)

    def Check(self, request: Any, context: Any) -> Any:
        """Take a resource's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> Any:
        """Answer late."""
        time.sleep(SECONDS)
        return provider_pb2.CreateResponse(properties=request.properties)


def serve() -> None:
    """Serve until the engine interrupts the process, which then ends immediately, even during a call."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Slow(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
