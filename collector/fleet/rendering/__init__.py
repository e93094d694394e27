"""A scale set and its case for people and for programs. Pure."""

from __future__ import annotations
