"""Findings as logs for a log backend that is there already, by OTLP over HTTP."""

from __future__ import annotations
