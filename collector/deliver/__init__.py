"""A spool on disk, and upload until the receiver's receipt names the bundle's hash."""

from __future__ import annotations
