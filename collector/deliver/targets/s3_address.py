"""Presigned URLs of S3: which they are, and which of them can be used. Pure."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs

from collector.errors import ConfigError

#: What a URL may have signed: headers whose values are known beforehand.
_SENT = frozenset({"host", "content-type"})


def is_presigned(parts: SplitResult) -> bool:
    """Whether this URL holds a signature of S3 (version 4, or 2)."""
    keys = parse_qs(parts.query, keep_blank_values=True).keys()
    return "X-Amz-Signature" in keys or {"AWSAccessKeyId", "Signature", "Expires"} <= keys


def check_signed(parts: SplitResult) -> None:
    """Raises ConfigError for a URL whose signature demands what can't be known."""
    signed = parse_qs(parts.query).get("X-Amz-SignedHeaders", [""])[0]
    demanded = {name for name in signed.lower().split(";") if name} - _SENT
    if demanded:
        raise ConfigError(
            f"--upload: the presigned URL demands the header {', '.join(sorted(demanded))}",
            "Sign it with bucket and key alone: bundles differ, so their hash and size can't be signed beforehand.",
        )
