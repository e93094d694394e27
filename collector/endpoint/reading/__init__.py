"""What the tables tell, for pages and for programs."""

from __future__ import annotations
