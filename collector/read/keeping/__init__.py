"""The newest lines of what grows, for when their files are gone: `recent` holds them in memory until they are redacted,
`ring` writes `segments`, `kept` reads them."""

from __future__ import annotations
