"""One report to one zip that a person can open without any tool, and back."""

from __future__ import annotations
