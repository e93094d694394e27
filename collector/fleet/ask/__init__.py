"""Asks instances through `az`: which, how, at most so many at once, and what came back."""

from __future__ import annotations
