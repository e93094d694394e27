"""Answers that are no page: what is refused, and why."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


class RefusalError(Exception):
    """An answer that is no receipt."""

    def __init__(
        self,
        status: int,
        message: str,
        hint: str = "",
        *,
        retry_after: int | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """`retry_after` in seconds; `more` of the answer's body."""
        super().__init__(message)
        self.status = status
        self.hint = hint
        self.retry_after = retry_after
        self.more = more or {}

    def response(self) -> JSONResponse:
        body = {"error": str(self), "hint": self.hint, **self.more}
        headers = {"Connection": "close"} if self.status in (400, 401, 408, 411, 413) else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return JSONResponse(body, self.status, headers)
