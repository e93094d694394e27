"""A stand-in OpenID provider: a real HTTP server with keys of its own. It can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "vmext-test", "provider-knows-this"


class Provider(ThreadingHTTPServer):
    """`claims` replace what an ID token says (None: leaves it out); `signs`: with what key and algorithm."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = RSAKey.generate_key(2048, parameters={"kid": "first"})
        self.signs: tuple[str, Any] = ("RS256", self.key)
        self.claims: dict[str, Any] = {}
        self.groups: list[str] = ["support"]
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: list[dict[str, str]] = []
        self.refuses = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def other_key(self, kid: str = "first") -> RSAKey:
        return RSAKey.generate_key(2048, parameters={"kid": kid})

    def id_token(self, asked: dict[str, str]) -> str:
        at = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "ann-1",
            "preferred_username": "ann@example.org",
            "groups": self.groups,
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm, key = self.signs
        if key is None:
            return self._forged(algorithm, claims)
        header = {"alg": algorithm, "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    def _forged(self, algorithm: str, claims: dict[str, Any]) -> str:
        """Unsigned, or with the public key taken for a shared secret."""
        parts = ({"alg": algorithm, "kid": "first"}, claims)
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        if algorithm == "none":
            return f"{text}."
        return f"{text}.{_encoded(hmac.digest(self.key.as_pem(private=False), text.encode(), 'sha256'))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            url = self.server.url
            self._answer(
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/authorize",
                    "token_endpoint": f"{url}/token",
                    "jwks_uri": f"{url}/keys",
                }
            )
        elif parts.path == "/keys":
            self._answer({"keys": [self.server.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self._authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self._answer({"error": "not_found"}, 404)

    def _authorize(self, asked: dict[str, str]) -> None:
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        back = {"state": asked["state"]}
        if self.server.refuses:
            back["error"] = self.server.refuses
        else:
            back["code"] = f"code-{len(self.server.codes)}"
            self.server.codes[back["code"]] = asked
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.tokens.append(form)
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.server.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if self.headers.get("Authorization") != f"Basic {login}":
            self._answer({"error": "invalid_client"}, 401)
        elif (
            asked is None
            or challenge.rstrip("=") != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            self._answer({"error": "invalid_grant"}, 400)
        else:
            self._answer({"access_token": "unused", "token_type": "Bearer", "id_token": self.server.id_token(asked)})

    def _answer(self, document: Any, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
