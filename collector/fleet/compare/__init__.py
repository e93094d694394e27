"""Bundles of many instances side by side: the same failures together, and what differs from the healthy ones."""

from __future__ import annotations
