"""Bundles that instances put into a folder or a container themselves: found, read, shown, and never touched."""

from __future__ import annotations
