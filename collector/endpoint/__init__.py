"""The central endpoint: takes bundles from very many instances, stores and indexes them, and shows them."""

from __future__ import annotations
