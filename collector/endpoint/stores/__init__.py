"""Where the bundles themselves lie."""

from __future__ import annotations
