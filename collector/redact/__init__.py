"""Nothing leaves this stage unredacted, and only what it makes can be written or sent."""

from __future__ import annotations
