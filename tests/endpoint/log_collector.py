"""A collector of logs: a real HTTP server that reads requests with the official classes, and answers as it is told."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)


@dataclass
class LogCollector:
    #: Answers that come first, with their headers; then 200.
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    response: ExportLogsServiceResponse = field(default_factory=ExportLogsServiceResponse)
    taken: list[ExportLogsServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tries: int = 0
    url: str = ""

    def uids(self) -> list[str]:
        """Of every record that was taken, in their order."""
        return [
            attribute.value.string_value
            for request in self.taken
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
            for attribute in record.attributes
            if attribute.key == "log.record.uid"
        ]


@contextmanager
def log_collector(port: int = 0) -> Iterator[LogCollector]:
    collector = LogCollector()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                collector.tries += 1
                if self.path != "/v1/logs":
                    status, headers = 404, dict[str, str]()
                elif collector.answers:
                    status, headers = collector.answers.pop(0)
                else:
                    assert self.headers["Content-Type"] == "application/x-protobuf"
                    assert self.headers["Content-Encoding"] == "gzip"
                    collector.taken.append(ExportLogsServiceRequest.FromString(gzip.decompress(body)))
                    collector.headers.append(dict(self.headers.items()))
                    status, headers = 200, {}
            content = collector.response.SerializeToString() if status == 200 else b"no"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
