"""Very many agents that arrive within a second, each with its bundle and the patience of a real one.

python -m tests.bench.endpoint_agents URL TOKEN BUNDLE AGENTS SECONDS
"""

from __future__ import annotations

import heapq
import json
import os
import random
import resource
import selectors
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from collector.deliver.backoff import Backoff
from collector.deliver.targets.network import CONNECT_SECONDS, SILENT_SECONDS
from tests.bench.endpoint_client import request
from tests.endpoint.minting import Mint

#: Answers after which an agent tries again (`deliver.targets.wire`).
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


class Spools:
    """Requests that lie on the disk before anyone sends, as bundles do in the spools of so many machines."""

    def __init__(self, file: BinaryIO, requests: Iterator[bytes]) -> None:
        self._file, self._ends = file, [0]
        for one in requests:
            file.write(one)
            self._ends.append(self._ends[-1] + len(one))
        file.flush()

    def read(self, number: int) -> bytes:
        start, end = self._ends[number : number + 2]
        return os.pread(self._file.fileno(), end - start, start)


@dataclass
class Agent:
    number: int
    #: When its run began, and how often it has tried in it.
    began: float
    attempt: int = 0
    stream: socket.socket | None = None
    left: memoryview = field(default_factory=lambda: memoryview(b""))
    got: bytes = b""
    #: When it gives up to connect, to send or to wait, and what it says then.
    until: float = 0.0
    gives_up: str = ""


class Crowd:
    """One thread that does for each agent what the system is asked for, and little else: a second for ten thousand."""

    def __init__(self, url: str, spools: Spools, agents: int, deadline: float) -> None:
        place = urlsplit(url)
        self._address = (str(place.hostname), int(place.port or 80))
        self._spools, self._deadline = spools, deadline
        self._selector = selectors.DefaultSelector()
        now = time.monotonic()
        self._due = [(now + random.random(), number) for number in range(agents)]
        heapq.heapify(self._due)
        self._agents = [Agent(number, 0.0) for number in range(agents)]
        self._open: set[int] = set()
        self.answers: Counter[str] = Counter()
        self.taken = 0
        self.late = 0
        self.seconds: list[float] = []

    def run(self) -> None:
        looked = 0.0
        while self._due or self._open:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._begin(self._agents[heapq.heappop(self._due)[1]])
            for key, _ in self._selector.select(0.01):
                self._go_on(key.data)
            if (now := time.monotonic()) > looked + 0.5:
                looked = now
                for agent in [self._agents[number] for number in self._open]:
                    if agent.until < now:
                        self._end(agent, agent.gives_up, 0, None)

    def _begin(self, agent: Agent) -> None:
        agent.attempt += 1
        agent.began = agent.began or time.monotonic()
        agent.left, agent.got = memoryview(self._spools.read(agent.number)), b""
        agent.until, agent.gives_up = time.monotonic() + CONNECT_SECONDS, "no connection"
        agent.stream = socket.socket()
        agent.stream.setblocking(False)
        agent.stream.connect_ex(self._address)
        self._open.add(agent.number)
        self._selector.register(agent.stream, selectors.EVENT_WRITE, agent)

    def _go_on(self, agent: Agent) -> None:
        """Sends what is left, and then reads: as the agent's own library does."""
        stream = agent.stream
        assert stream is not None
        try:
            if agent.left:
                agent.left = agent.left[stream.send(agent.left) :]
                agent.until, agent.gives_up = time.monotonic() + SILENT_SECONDS, "no answer"
                if not agent.left:
                    self._selector.modify(stream, selectors.EVENT_READ, agent)
                return
            more = stream.recv(65_536)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(agent, type(error).__name__, 0, None)
            return
        agent.got += more
        head, mark, body = agent.got.lower().partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line) if mark else {}
        if mark and len(body) >= int(fields[b"content-length"]):
            told = fields.get(b"retry-after")
            self._end(agent, head[9:12].decode(), int(head[9:12]), float(told) if told else None)
        elif not more:
            self._end(agent, "cut off", 0, None)

    def _end(self, agent: Agent, answer: str, status: int, retry_after: float | None) -> None:
        """As `deliver.send`: tries until its time is over; then the bundle stays in the spool for the next run."""
        assert agent.stream is not None
        self._selector.unregister(agent.stream)
        agent.stream.close()
        self._open.remove(agent.number)
        self.answers[answer] += 1
        now = time.monotonic()
        if status in (200, 201):
            self.taken += 1
            self.seconds.append(now - agent.began)
        elif not status or status in _RETRY:
            delay = Backoff().delay(agent.attempt, random.random, retry_after)
            if now + delay > agent.began + self._deadline:
                self.late += 1
                agent.began, agent.attempt = 0.0, 0  # the next run of the agent
            heapq.heappush(self._due, (now + delay, agent.number))


def main() -> None:
    url, token, file, agents, deadline = sys.argv[1:6]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    mint, host = Mint(Path(file).read_bytes()), urlsplit(url).netloc
    with tempfile.TemporaryFile(dir=Path(file).parent) as disk:
        spools = Spools(disk, (request(host, token, *mint.make(number)) for number in range(int(agents))))
        crowd = Crowd(url, spools, int(agents), float(deadline))
        began = time.monotonic()
        crowd.run()
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
