"""Bytes to lines: open, decode and split any file within a bounded memory."""

from __future__ import annotations
