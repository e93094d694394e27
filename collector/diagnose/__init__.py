"""Failures and the tables of knowledge to findings: what it means, whose it is, how sure, what to do. Pure."""

from __future__ import annotations
