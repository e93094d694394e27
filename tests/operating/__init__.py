"""What an operator puts around the endpoint, each as a real process: proxy, database, object store, several hosts."""

from __future__ import annotations
