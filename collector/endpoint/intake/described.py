"""What the OpenAPI document says of the paths by which bundles come in; their bodies are streamed, not parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Security

from collector.endpoint.api.problems import BEARER, problems

_HEX16, _HEX64 = {"pattern": "^[0-9a-f]{16}$"}, {"pattern": "^[0-9a-f]{64}$"}
#: The pattern is told, and looked at by who takes the bundle, whose answer says more.
BundleId = Annotated[str, Path(description="id of the bundle, as its manifest says", json_schema_extra=_HEX16)]
UploadId = Annotated[str, Path(description="SHA-256 of the whole bundle", json_schema_extra=_HEX64)]

_BINARY = {"type": "string", "format": "binary"}
_SHA256 = {"type": "string", **_HEX64}
_ID = {"type": "string", **_HEX16}
_BYTES = {"type": "integer", "minimum": 1}
_RECEIPT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "sha256", "received"],
    "properties": {"id": _ID, "sha256": _SHA256, "received": {"type": "string", "format": "date-time"}},
}
_UPLOAD = {
    "type": "object",
    "required": ["upload", "bytes", "offset", "least_block", "most_block"],
    "properties": {"upload": _SHA256}
    | {name: {"type": "integer"} for name in ("bytes", "offset", "least_block", "most_block")},
}
_ABOUT = {
    "type": "object",
    "required": ["id", "sha256", "bytes"],
    "properties": {"id": _ID, "sha256": _SHA256, "bytes": _BYTES},
}
_KNOWN = {"type": "object", "required": ["receipt"], "properties": {"receipt": _RECEIPT}}
_GRANT = {"type": "object", "required": ["grant"], "properties": {"grant": {"type": "object"}}}


def _header(name: str, description: str, *, required: bool = True) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 200}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _body(media: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {media: {"schema": schema}}}


def _gives(*schemas: tuple[int, str, Mapping[str, Any]]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": told, "content": {"application/json": {"schema": schema}}}
        for status, told, schema in schemas
    }


def _described(
    operation: str, statuses: tuple[int, ...], gives: dict[int | str, dict[str, Any]], **extra: Any
) -> dict[str, Any]:
    """For the decorator of a path."""
    return {
        "operation_id": operation,
        "tags": ["sending"],
        "dependencies": [Security(BEARER)],
        "responses": problems(*statuses) | gives,
        "openapi_extra": extra,
    }


_DIGEST = _header("Repr-Digest", "RFC 9530: sha-256=:BASE64: of the whole body; Content-Digest serves as well")
_BLOCK = _header("Content-Digest", "RFC 9530: sha-256=:BASE64: of the block")
_PLACE = _header("Content-Range", "bytes FIRST-LAST/ALL")

PUT = _described(
    "put",
    (400, 408, 409, 411, 413, 422, 429, 507),
    _gives((200, "It was here; its first receipt", _RECEIPT), (201, "It is stored", _RECEIPT)),
    parameters=[_DIGEST],
    requestBody=_body("application/zip", _BINARY),
)
BEGIN = _described(
    "begin",
    (400, 408, 409, 413, 422, 429, 507),
    _gives((200, "It is stored already", _KNOWN), (201, "How much of it is here", _UPLOAD)),
    requestBody=_body("application/json", _ABOUT),
)
STATE = _described("state", (404, 422), _gives((200, "How much of it is here", _UPLOAD)))
BLOCK = _described(
    "block",
    (400, 404, 408, 409, 411, 413, 422, 429, 507),
    _gives((200, "How much of it is here", _UPLOAD)),
    parameters=[_PLACE, _BLOCK],
    requestBody=_body("application/octet-stream", _BINARY),
)
COMMIT = _described(
    "commit",
    (400, 404, 408, 409, 422, 429, 507),
    _gives((200, "It was here; its first receipt", _RECEIPT), (201, "It is stored", _RECEIPT)),
)
GRANT = _described(
    "grant",
    (400, 404, 408, 409, 413, 422, 429, 507),
    _gives((200, "It is stored already", _KNOWN), (201, "Where to put it", _GRANT)),
    requestBody=_body("application/json", _ABOUT),
)
CONFIRM = _described(
    "confirm",
    (400, 404, 408, 409, 422, 429, 507),
    _gives((200, "It was here; its first receipt", _RECEIPT), (201, "It is stored", _RECEIPT)),
)
