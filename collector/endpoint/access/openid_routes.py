"""Signing in with an OpenID provider: there and back."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.audit import Act
from collector.endpoint.access.forms import local
from collector.endpoint.access.guard import address_of
from collector.endpoint.access.openid import SIGN_IN, OpenId, SignInError
from collector.endpoint.access.routes import begin, give_cookie, login_form, signed_in
from collector.endpoint.parts import Parts

_COOKIE, _PATH, _BACK = "vmext_sign_in", "/login", "/login/openid/return"


def add_openid(app: FastAPI, openid: OpenId, parts: Parts) -> None:
    @app.get("/login/openid", include_in_schema=False)
    def there(request: Request, next: str = "/") -> Response:
        try:
            address, state = openid.begin(local(next), _back(parts, request))
        except SignInError as error:
            return login_form(parts, request, local(next), wrong=str(error))
        response = RedirectResponse(address, 303)
        give_cookie(response, parts, request, _COOKIE, state, SIGN_IN, _PATH)
        return response

    @app.get(_BACK, include_in_schema=False)
    def back(request: Request) -> Response:
        address = address_of(request.scope)
        try:
            person, target = openid.end(request.query_params, request.cookies.get(_COOKIE, ""), _back(parts, request))
        except SignInError as error:
            parts.access.audit.soon(Act("somebody", "login-refused", "", str(error), address))
            response = login_form(parts, request, "/", wrong=str(error))
        else:
            response = signed_in(parts, request, begin(parts, person, address), target)
        response.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="lax")
        return response


def _back(parts: Parts, request: Request) -> str:
    own = parts.settings.access.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return own + _BACK
