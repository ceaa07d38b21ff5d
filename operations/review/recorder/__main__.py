"""A policy pack that refuses nothing: it writes down what each resource has in a plan, and would have after it.

The engine shows policies what it shows nobody else: values that are marked as secret. It is used on plans whose secrets
are stand-ins only. BEDPLATE_RECORD names the file; each line of it is `[kind, URN, properties]` as JSON.
"""

import json
import os
import signal
import sys
import threading
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from core.facts.secrets import SECRET, SIGNATURE

_OPTIONS = [("grpc.max_receive_message_length", -1)]


class Recorder(analyzer_pb2_grpc.AnalyzerServicer):
    """The service that the engine asks to judge resources."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()

    def Analyze(self, request: Any, context: Any) -> Any:
        """Record the inputs of one resource."""
        self._write("inputs", request.urn, request.properties)
        return analyzer_pb2.AnalyzeResponse()

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        """Record what all resources would have after the plan."""
        for resource in request.resources:
            self._write("outputs", resource.urn, resource.properties)
        return analyzer_pb2.AnalyzeResponse()

    def Remediate(self, request: Any, context: Any) -> Any:
        """Change nothing."""
        return analyzer_pb2.RemediateResponse()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        """Name the pack and its one policy."""
        policy = analyzer_pb2.PolicyInfo(name="recorded", enforcementLevel=analyzer_pb2.ADVISORY)
        return analyzer_pb2.AnalyzerInfo(name="recorder", version="0.0.1", policies=[policy])

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Name the version."""
        return plugin_pb2.PluginInfo(version="0.0.1")

    def Configure(self, request: Any, context: Any) -> Any:
        """Take no configuration."""
        return Empty()

    def _write(self, kind: str, urn: str, properties: Any) -> None:
        line = json.dumps([kind, urn, opened(MessageToDict(properties))])
        with self._lock, open(self._path, "a", encoding="utf-8") as file:
            print(line, file=file)


def opened(value: Any) -> Any:
    """A value without the marks of secrets in it. Whole numbers are integers, which the wire format does not have."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return opened(value.get("value"))
        return {key: opened(part) for key, part in value.items()}
    if isinstance(value, list):
        return [opened(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def main() -> None:
    """Serve until the engine ends this process."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=_OPTIONS)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Recorder(os.environ["BEDPLATE_RECORD"]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
