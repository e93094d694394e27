"""What became of each extension, step by step, as a picture and as a table. Pure."""

from __future__ import annotations
