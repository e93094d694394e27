"""A stored bundle for a page, and what a page says where there is none to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle, open_received
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import BundleEntry, bundle
from collector.endpoint.reading.choice import Within
from collector.errors import BundleError


class NotShownError(Exception):
    """A bundle that can't be shown: what a person is told, and what they can do."""

    def __init__(self, status: int, message: str, hint: str, entry: BundleEntry | None = None) -> None:
        """`entry`: what the index knows of it all the same."""
        super().__init__(message)
        self.status = status
        self.hint = hint
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Received:
    entry: BundleEntry
    #: only the envelope of what was encrypted
    content: Bundle | Envelope


@contextmanager
def received(parts: Parts, within: Within, bundle_id: str) -> Iterator[Received]:
    """The bundle as it is stored, for as long as it is looked at.

    Raises NotShownError, also where what is read of it later turns out to be damaged; OSError for a fault of the index.
    """
    with parts.database.reading() as connection:
        entry = bundle(connection, within, bundle_id)
    if entry is None:
        raise NotShownError(
            404,
            "There is no bundle with this id.",
            "It may have been deleted for its age, or be of a scale set that you may not see. "
            "An id has 16 digits from 0 to 9 and a to f.",
        )
    with ExitStack() as stack:
        content = _opened(parts, entry, stack)
        try:
            yield Received(entry, content)
        except BundleError as error:
            raise _damaged(error, entry) from error


def _opened(parts: Parts, entry: BundleEntry, stack: ExitStack) -> Bundle | Envelope:
    try:
        return open_received(stack.enter_context(parts.store.opened(entry.sha256)), parts.limits)
    except BundleError as error:
        raise _damaged(error, entry) from error
    except FileNotFoundError as error:
        raise NotShownError(
            410,
            f"This bundle is in the index, but no longer in the store: {error.strerror}.",
            "Someone deleted its file, or the store is not the one that the index was made of. What the index knows of "
            "it stands below; the instance may have the bundle in its spool.",
            entry,
        ) from error
    except OSError as error:
        raise NotShownError(
            503, f"The store does not answer: {error.strerror or error}.", "Try again in a moment.", entry
        ) from error


def _damaged(error: BundleError, entry: BundleEntry) -> NotShownError:
    return NotShownError(
        500,
        f"This bundle is damaged: {error}.",
        "It came in as it is now: its hash was right. Collect again on the instance, or download it as it is.",
        entry,
    )
