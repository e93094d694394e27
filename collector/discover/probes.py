"""Asks addresses that the agent and handlers need whether they answer. Only where someone wants it: `--probe-network`.

Nothing is sent but one read-only request to the wire server, nothing goes through a proxy, and all addresses are asked
at the same time.
"""

from __future__ import annotations

import http.client
import logging
import re
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from collector.model import ProbeFacts
from collector.platforms.azure import clock_offset

log = logging.getLogger(__name__)

_SECONDS, _MOST_SECONDS = 2.0, 10.0
_MOST_HOSTS = 20
_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(
    r"\b(?P<scheme>https?)://(?:[^\s/@'\"]*@)?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+)(?::(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    name: str = ""  # for people, before the address

    @property
    def target(self) -> str:
        return f"{self.name} {self.host}:{self.port}".strip()


#: What the guest agent cannot do without (Microsoft, "What is IP address 168.63.129.16" and Instance Metadata Service).
PLATFORM = (
    Address("168.63.129.16", 80, "wireserver"),
    Address("168.63.129.16", 32526, "wireserver"),
    Address("169.254.169.254", 80, "IMDS"),
)
_OWN = frozenset(address.host for address in PLATFORM)


@dataclass(frozen=True, slots=True)
class Probed:
    """`clock_offset_seconds`: this clock minus the wire server's, None where it told none."""

    facts: tuple[ProbeFacts, ...]
    clock_offset_seconds: float | None


def hosts_in(texts: Iterable[str]) -> tuple[Address, ...]:
    """The hosts of the web addresses that texts name, in their order, each once."""
    found: dict[Address, None] = {}
    for text in texts:
        for match in _ADDRESS.finditer(text):
            port = int(match["port"] or _PORTS[match["scheme"].lower()])
            host = match["host"].lower()
            if 0 < port < 65_536 and host not in _OWN:
                found[Address(host, port)] = None
    return tuple(found)[:_MOST_HOSTS]


def probe(
    hosts: Sequence[Address] = (),
    platform: Sequence[Address] | None = None,
    *,
    seconds: float = _SECONDS,
    most_seconds: float = _MOST_SECONDS,
) -> Probed:
    """What came of each address, in order. `platform`: asked first, Azure's own unless given; its first one is asked
    for its clock as well."""
    platform = PLATFORM if platform is None else platform
    addresses = [*platform, *hosts]
    answers: dict[Address, ProbeFacts] = {}
    offsets: list[float] = []

    def ask(address: Address) -> None:
        answers[address] = _asked(address, seconds)
        if platform and address == platform[0] and answers[address].reached:
            offsets.extend(_clock_offset(address, seconds))

    end = time.monotonic() + most_seconds
    # a name server that does not answer can't be given up on: such a thread must not hold up the end of the run
    threads = [threading.Thread(target=ask, args=(address,), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {most_seconds:g} s"
    facts = [answers.get(one) or ProbeFacts(one.target, False, late, most_seconds) for one in addresses]
    return Probed(tuple(facts), offsets[0] if offsets else None)


def _asked(address: Address, seconds: float) -> ProbeFacts:
    begin = time.monotonic()

    def told(reached: bool, detail: str) -> ProbeFacts:
        return ProbeFacts(address.target, reached, detail, round(time.monotonic() - begin, 3))

    try:
        places = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return told(False, f"its name can't be resolved: {getattr(error, 'strerror', None) or error}")
    problem = "no address"
    for family, kind, protocol, _, place in places[:2]:
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(seconds)
                connection.connect(place)
                return told(True, f"connected to {place[0]}")
        except TimeoutError:
            problem = f"no answer of {place[0]} within {seconds:g} s"
        except ConnectionRefusedError:
            problem = f"{place[0]} refused the connection"
        except OSError as error:
            problem = f"{place[0]}: {error.strerror or error}"
    return told(False, problem)


def _clock_offset(address: Address, seconds: float) -> list[float]:
    """This clock minus that of a web server, whose answers tell the time to a second; nothing where it tells none."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=seconds)
    try:
        connection.request("GET", "/?comp=versions", headers={"x-ms-version": "2012-11-30"})
        date = connection.getresponse().headers.get("Date")
        now = datetime.now(timezone.utc)
    except (OSError, http.client.HTTPException) as error:
        log.info("%s told no time: %s", address.target, error)
        return []
    finally:
        connection.close()
    offset = clock_offset(date, now)
    return [] if offset is None else [offset]
