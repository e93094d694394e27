"""Opens stored bundles and writes what they say into the tables."""

from __future__ import annotations
