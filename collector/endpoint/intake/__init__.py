"""Takes bundles from senders: checked, stored, queued, answered with a receipt."""

from __future__ import annotations
