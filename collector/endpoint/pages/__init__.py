"""The pages that support staff read: made here as whole HTML, so that they work without script."""

from __future__ import annotations
