"""Very many agents that arrive within a second, each with its bundle and the patience of a real one.

python -m tests.bench.endpoint_agents URL TOKEN BUNDLE AGENTS SECONDS
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from collector.deliver.backoff import Backoff
from tests.bench.endpoint_client import request
from tests.endpoint.minting import Mint

#: Answers after which an agent tries again (`deliver.targets.wire`).
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


class Crowd:
    def __init__(self, url: str, token: str, mint: Mint, agents: int, deadline: float) -> None:
        self._place = urlsplit(url)
        self._token, self._mint, self._agents, self._deadline = token, mint, agents, deadline
        self.answers: Counter[str] = Counter()
        self.taken = 0
        self.late = 0
        self.seconds: list[float] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._agent(number) for number in range(self._agents)))

    async def _agent(self, number: int) -> None:
        """As `deliver.send`: tries until its time is over; then the bundle stays in the spool for the next run."""
        await asyncio.sleep(random.random())
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                status, retry_after = await asyncio.wait_for(self._put(number), 30)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
                status, retry_after = 0, None
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(status)] += 1
            if status in (200, 201):
                self.taken += 1
                self.seconds.append(time.monotonic() - began)
                return
            if status and status not in _RETRY:
                return
            delay = Backoff().delay(attempt, random.random, retry_after)
            if time.monotonic() + delay > began + self._deadline:
                self.late += 1
                began = time.monotonic() + delay  # the next run of the agent
            await asyncio.sleep(delay)

    async def _put(self, number: int) -> tuple[int, float | None]:
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        try:
            writer.write(request(self._place.netloc, self._token, *self._mint.make(number)))
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            await reader.readexactly(int(fields[b"content-length"]))
            told = fields.get(b"retry-after")
            return int(head[9:12]), float(told) if told else None
        finally:
            writer.close()


def main() -> None:
    url, token, file, agents, deadline = sys.argv[1:6]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(url, token, Mint(Path(file).read_bytes()), int(agents), float(deadline))
    began = time.monotonic()
    asyncio.run(crowd.run())
    print(
        json.dumps(
            {
                "wall": time.monotonic() - began,
                "taken": crowd.taken,
                "late": crowd.late,
                "answers": crowd.answers,
                "seconds": sorted(crowd.seconds),
            }
        )
    )


if __name__ == "__main__":
    main()
