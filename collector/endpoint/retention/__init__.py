"""Deletes what is old or too much, and keeps the index true to what is left."""

from __future__ import annotations
