"""What an endpoint has got, as it lists it."""

from __future__ import annotations

import time
from typing import Any

from tests.endpoint.running import Endpoint


def received(served: Endpoint, query: str = "limit=500") -> list[dict[str, Any]]:
    """Bundles, each of which is indexed: one that comes between two questions is listed before, without what it says."""
    until = time.monotonic() + 60
    while True:
        rows: list[dict[str, Any]] = served.get(f"/v1/bundles?{query}").json()["bundles"]
        if all(row["state"] != "waiting" for row in rows):
            return rows
        assert time.monotonic() < until, "bundles are not indexed"
        time.sleep(0.01)
