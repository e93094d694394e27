"""Packages as they are built, unpacked and run."""

from __future__ import annotations
