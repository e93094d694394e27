"""People of an OpenID provider: the authorization code flow with PKCE.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700 (best current practice).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import requests
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from collector.endpoint.access.audit import now
from collector.endpoint.access.caller import ADMIN, READ
from collector.endpoint.access.sessions import Person
from collector.endpoint.access.settings import OidcSettings
from collector.endpoint.access.tokens import hash_of
from collector.endpoint.database.access_tables import SIGN_INS
from collector.endpoint.database.engine import Database

log = logging.getLogger(__name__)

#: Signatures with a key pair alone: "none" and those with a shared secret are what forgers try.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_TIMEOUT = 10.0
_MOST_ANSWER = 1 << 20
#: How long the provider's addresses and keys are kept, and how soon an unknown key makes us ask again, in seconds.
_KEPT_SECONDS, _AGAIN_SECONDS = 3_600.0, 60.0
#: How long a person may take at the provider.
SIGN_IN = timedelta(minutes=10)
#: People on their way at a time; beyond them the oldest must begin again.
_MOST_SIGN_INS = 10_000
_SKEW_SECONDS = 60


class SignInError(Exception):
    """Why nobody was signed in, as a sentence for people."""


@dataclass(frozen=True, slots=True)
class _Provider:
    """What the provider says of itself."""

    authorization: str
    token: str
    basic: bool
    keys: KeySet
    known: float  # time.monotonic


class OpenId:
    def __init__(self, settings: OidcSettings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._provider: _Provider | None = None
        self._asking = threading.Lock()

    @property
    def name(self) -> str:
        return self._settings.issuer.split("//", 1)[-1].split("/", 1)[0]

    def begin(self, target: str, back: str) -> tuple[str, str]:
        """The provider's address to send a browser to, and the state that a cookie of it must hold.

        `back`: our address to come back to. Raises SignInError, OSError.
        """
        provider = self._known()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        at = now()
        row = {
            "sha256": hash_of(state),
            "nonce": nonce,
            "verifier": verifier,
            "target": target[:2000],
            "expires": at + SIGN_IN,
        }
        with self._database.writing() as connection:
            connection.execute(sa.delete(SIGN_INS).where(SIGN_INS.c.expires < at))
            kept = sa.select(SIGN_INS.c.expires).order_by(SIGN_INS.c.expires.desc()).offset(_MOST_SIGN_INS).limit(1)
            if (last := connection.execute(kept).scalar()) is not None:
                connection.execute(sa.delete(SIGN_INS).where(SIGN_INS.c.expires <= last))
            connection.execute(sa.insert(SIGN_INS), row)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in provider.authorization else "?"
        return f"{provider.authorization}{mark}{urlencode(query)}", state

    def end(self, query: Mapping[str, str], cookie: str, back: str) -> tuple[Person, str]:
        """Who came back, and where to. Each state is good once. Raises SignInError, OSError."""
        state = query.get("state", "")
        if not state or not hmac.compare_digest(state.encode(), cookie.encode()):
            raise SignInError("This sign-in was not begun in this browser, or took too long.")
        with self._database.writing() as connection:
            taken = sa.delete(SIGN_INS).where(SIGN_INS.c.sha256 == hash_of(state)).returning(SIGN_INS)
            row = connection.execute(taken).first()
        if row is None or row.expires < now():
            raise SignInError("This sign-in is over; it may have been used already.")
        if "error" in query or "code" not in query:
            raise SignInError(f"The provider did not sign you in: {query.get('error', 'it gave no code')[:100]}.")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:
            raise SignInError("The answer is of another provider.")
        claims = self._claims(self._id_token(query["code"], row.verifier, back), row.nonce)
        return self._person(claims), row.target

    def _id_token(self, code: str, verifier: str, back: str) -> str:
        provider = self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        secret, login = self._settings.client_secret, None
        if secret and provider.basic:
            login = (self._settings.client_id, secret)
        elif secret:
            form["client_secret"] = secret
        document = _ask("POST", provider.token, data=form, auth=login)
        token = document.get("id_token")
        if not isinstance(token, str):
            raise SignInError("The provider gave no ID token.")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a token says, once its signature, issuer, audience, times and nonce have been checked."""
        try:
            try:
                claims = jwt.decode(token, self._known().keys, algorithms=_ALGORITHMS).claims
            except (JoseError, ValueError):  # the provider may have new keys
                claims = jwt.decode(token, self._known(again=True).keys, algorithms=_ALGORITHMS).claims
            jwt.JWTClaimsRegistry(
                now=int(time.time()),
                leeway=_SKEW_SECONDS,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            log.warning("an ID token was refused: %s", error)
            raise SignInError("The provider's ID token is not valid.") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._settings.client_id:
            raise SignInError("The provider's ID token is for another client.")
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        subject = str(claims["sub"])[:200]
        names = (claims.get(name) for name in ("preferred_username", "email", "name"))
        name = next((str(one) for one in names if isinstance(one, str) and one), subject)[:128]
        for scope, wanted in ((ADMIN, self._settings.admin), (READ, self._settings.read)):
            if any(_has(claims.get(claim), value) for claim, value in wanted):
                return Person(f"openid {subject}", name, scope)
        raise SignInError(f"{name} is known to the provider, and may not use this endpoint. Ask its operator.")

    def _known(self, *, again: bool = False) -> _Provider:
        """Raises SignInError where the provider does not answer as one should."""
        with self._asking:
            old = self._provider
            if old is not None and time.monotonic() - old.known < (_AGAIN_SECONDS if again else _KEPT_SECONDS):
                return old
            document = _ask("GET", self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if document.get("issuer") != self._settings.issuer:
                raise SignInError("The OpenID provider calls itself otherwise than --oidc-issuer does.")
            places = [document.get(f"{name}_endpoint") for name in ("authorization", "token")]
            keys = document.get("jwks_uri")
            if not all(isinstance(place, str) for place in (*places, keys)):
                raise SignInError("The OpenID provider does not tell its addresses.")
            methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            try:
                found: Any = KeySet.import_key_set(_ask("GET", str(keys)))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise SignInError("The OpenID provider's keys can't be read.") from error
            basic = "client_secret_basic" in methods
            self._provider = _Provider(str(places[0]), str(places[1]), basic, found, time.monotonic())
            return self._provider


def _has(claim: Any, value: str) -> bool:
    return (
        value in [str(one) for one in claim] if isinstance(claim, list) else claim is not None and str(claim) == value
    )


def _ask(method: str, url: str, **options: Any) -> dict[str, Any]:
    """A JSON object of the provider, bounded. Raises SignInError."""
    options |= {
        "allow_redirects": False,
        "stream": True,
        "headers": {"Accept": "application/json"},
    }
    body = b""
    try:
        with requests.request(method, url, timeout=_TIMEOUT, **options) as response:
            for block in response.iter_content(1 << 14):
                body += block
                if len(body) > _MOST_ANSWER:
                    raise SignInError("The OpenID provider's answer is too long.")
            if response.status_code != 200:
                log.warning("the OpenID provider answered %s to %s", response.status_code, url)
                raise SignInError("The OpenID provider did not answer as it should.")
    except (requests.RequestException, OSError) as error:
        log.warning("the OpenID provider can't be reached at %s: %s", url, error)
        raise SignInError("The OpenID provider can't be reached.") from error
    return _object(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignInError("The OpenID provider's answer is no JSON.") from error
    if not isinstance(document, dict):
        raise SignInError("The OpenID provider's answer is no JSON object.")
    return document
