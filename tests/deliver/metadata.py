"""A stand-in of the metadata service that speaks its documented protocol for tokens and for attested documents.

Source: Microsoft documentation, Use managed identities on a virtual machine to acquire an access token.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIENT, RESOURCE = "11111111-2222-3333-4444-555555555555", "/subscriptions/s/resourceGroups/g/providers/x/web"


def jwt(serial: int, lifetime: float) -> str:
    """As Entra ID issues them, unsigned; Azurite checks times, issuer and audience."""
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": int(now + lifetime),
        "serial": serial,
    }
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class Metadata(ThreadingHTTPServer):
    """`identities`: client ids that the machine has; the system's own is "". `script`: statuses to answer first."""

    daemon_threads = True

    def __init__(self, identities: tuple[str, ...], script: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.identities, self.script = identities, script
        self.lifetime, self.with_span = 3600.0, True
        self.requests: list[dict[str, str]] = []
        self.issued: list[str] = []
        #: Signs a document with a nonce in it; None: this machine has none.
        self.attest: Callable[[str], str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Metadata

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.requests.append(query)
        if self.headers.get("Metadata") != "true" or "X-Forwarded-For" in self.headers:
            return self._error(400, "bad_request_102", "Required metadata header not specified")
        if parts.path == "/metadata/attested/document" and self.server.attest is not None:
            return self._answer(200, {"encoding": "pkcs7", "signature": self.server.attest(query["nonce"])})
        if parts.path != "/metadata/identity/oauth2/token":
            return self._error(404, "not_found", "")
        if self.server.script:
            status = self.server.script.pop(0)
            return self._error(
                status, "busy", f"told to answer {status}", {"Retry-After": "7"} if status == 429 else {}
            )
        if query.get("api-version") != "2018-02-01" or query.get("resource") != "https://storage.azure.com/":
            return self._error(400, "invalid_resource", "AADSTS50001: The application is not found in the tenant")
        named = query.get("client_id") or (CLIENT if query.get("msi_res_id") == RESOURCE else query.get("msi_res_id"))
        if named is None and len(self.server.identities) > 1 and "" not in self.server.identities:
            return self._error(
                400,
                "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request",
            )
        if not self.server.identities or (named is not None and named not in self.server.identities):
            return self._error(400, "invalid_request", "Identity not found")
        return self._token()

    def _token(self) -> None:
        token = jwt(len(self.server.issued), self.server.lifetime)
        self.server.issued.append(token)
        document = {
            "access_token": token,
            "client_id": CLIENT,
            "expires_on": str(int(time.time() + self.server.lifetime)),
            "not_before": str(int(time.time()) - 60),
            "resource": "https://storage.azure.com/",
            "token_type": "Bearer",
        }
        if self.server.with_span:
            document["expires_in"] = str(int(self.server.lifetime))
        self._answer(200, document)

    def _error(self, status: int, error: str, description: str, headers: dict[str, str] | None = None) -> None:
        self._answer(status, {"error": error, "error_description": description}, headers)

    def _answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def metadata(*identities: str, script: tuple[int, ...] = ()) -> Iterator[Metadata]:
    server = Metadata(identities, list(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
