"""Errors of the platform as people paste them: taken out of the text around them, and explained like a finding."""

from __future__ import annotations
