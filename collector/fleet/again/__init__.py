"""Today's rules on bundles of then, and what changed."""

from __future__ import annotations
