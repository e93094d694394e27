"""The whole scale set: what `az` says of it, what to do, and bundles of many instances side by side."""

from __future__ import annotations
