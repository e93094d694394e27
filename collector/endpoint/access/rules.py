"""What a path asks of its caller at least, and which paths show a bundle. Pure.

A path that asks for more says so itself (`need`); what nobody thought of needs the scope "read".
"""

from __future__ import annotations

import re

_ADMIN, _READ, _UPLOAD = "admin", "read", "upload"
#: Open to everyone: how to sign in, what probes ask, and what makes a page look like one.
_OPEN = frozenset({"/login", "/login/openid", "/login/openid/return", "/logout", "/healthz", "/readyz"})
#: Where bundles come in; an uploader asks there too how far it came.
_INTAKE = re.compile(r"^/v1/(?:uploads|grants)(?:/|$)")
_BUNDLE = re.compile(r"^/v1/bundles/[^/]+(?:/confirm)?$")
_VIEWS = (
    (re.compile(r"^/v1/bundles/([0-9a-f]{16})/bundle$"), "download"),
    (re.compile(r"^/v1/bundles/([0-9a-f]{16})(?:/.*)?$"), "open"),
    (re.compile(r"^/bundles/([0-9a-f]{16})(?:/.*)?$"), "open"),
)


def is_open(path: str) -> bool:
    """Whether a path is for who is not signed in, too."""
    return path in _OPEN or path.startswith("/static/")


def scope_for(method: str, path: str) -> str:
    """The least scope that a request needs."""
    if path == "/admin" or path.startswith("/admin/"):
        return _ADMIN
    if _INTAKE.match(path) or (method not in ("GET", "HEAD") and _BUNDLE.match(path)):
        return _UPLOAD
    return _READ


def view_of(path: str) -> tuple[str, str] | None:
    """("open" or "download", which bundle) where a path names one; others tell what they show (`caller.shows`)."""
    for pattern, action in _VIEWS:
        if found := pattern.match(path):
            return action, found[1]
    return None
