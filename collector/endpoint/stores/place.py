"""Files under names, in a folder or in a container of a cloud: what stores and watchers are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """One file of a listing. `mark` is another one as soon as the content may be."""

    name: str
    bytes: int
    modified: datetime
    mark: str


class Place(Protocol):
    """Names have slashes between their parts. Every method raises OSError for faults of the disk or the network."""

    #: Its address as people may see it: without a signature.
    name: str
    #: Seconds between two listings that it bears without harm.
    every: float

    def local(self, name: str) -> Path | None:
        """Where a file lies on this machine or on what is mounted here; None where it has to be fetched."""

    def listing(self, prefix: str = "") -> Iterator[Sequence[Found]]:
        """Every file below a folder `prefix`, some at a time; nothing where there is no such folder."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """What a file holds, piece by piece. FileNotFoundError where it is gone."""

    def start(self, name: str, size: int) -> bytes:
        """The first `size` bytes, or fewer where there are fewer. FileNotFoundError where it is gone."""

    def put(self, name: str, file: Path) -> None:
        """Stores a copy, durable when this returns. `file` may be moved away by it."""

    def remove(self, names: Collection[str]) -> None:
        """Those that are gone already are passed over."""

    def upload_address(self, name: str, seconds: int) -> tuple[str, dict[str, str]] | None:
        """An address at which anybody may PUT this one file for so long, with the headers that the request needs.

        None where this place can't give any.
        """
