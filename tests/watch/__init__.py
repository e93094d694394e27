"""Tests of the resident agent."""

from __future__ import annotations
