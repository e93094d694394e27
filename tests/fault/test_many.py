"""Five hundred bundles through a proxy that fails four times in ten: each arrives, once."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from tests.endpoint.running import endpoint
from tests.fault.proxy import fault_proxy
from tests.fault.rig import assert_all_there_once, bundles, instance

FAULTS = (*["pass"] * 6, "close", "lost", "reset 5000", "status 503 Retry-After: 0")
AGENTS = 6


@pytest.mark.slow
def test_five_hundred_bundles_through_a_flaky_proxy(tmp_path: Path):
    chance = random.Random(500)
    with endpoint(tmp_path / "data") as server:
        agents = [instance(tmp_path / "agent", server) for _ in range(AGENTS)]
        sent = bundles(agents[0].spool, 500)
        assert len({bundle.id for bundle in sent}) == 500
        with fault_proxy(server.url) as proxy:
            proxy.choose = lambda: chance.choice(FAULTS)
            threads = [
                threading.Thread(target=agent.upload, args=(proxy.url,), kwargs={"deadline_seconds": 300})
                for agent in agents
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert proxy.connections > 600
        assert_all_there_once(server, sent, agents[0])
