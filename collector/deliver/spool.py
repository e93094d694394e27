"""Bundles on disk that wait to be sent.

<state>/spool/ID.zip                  waits
<state>/spool/rejected/ID.zip         refused for good; why stands in ID.reason.txt beside it
<state>/spool/sent/ID.json            the receipt of one that was delivered, the newest hundred of them
<state>/spool/.lock-XX                held by the process that sends a bundle whose id begins with XX
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from collector.deliver.lock import held
from collector.deliver.quota import HEALTHY_PART, Kept, Quota, Standing, surplus
from collector.errors import SpoolError
from collector.model import BundleInfo, Delivery, iso
from collector.platforms import durable

log = logging.getLogger(__name__)

_NAME = re.compile(r"^([0-9a-f]{16})\.zip$")
_BLOCK = 1 << 20
_MOST_RECEIPTS = 100
_POLL_SECONDS = 0.1


class Spool:
    """The folder `<state>/spool`. A bundle leaves it only when a receipt names its hash, or refused for good."""

    def __init__(self, folder: Path, quota_bytes: int = 200_000_000, quota_seconds: float = Quota().seconds) -> None:
        self.folder = folder
        self._quota = Quota(quota_bytes, quota_seconds)
        self._rejected = folder / "rejected"
        self._sent = folder / "sent"

    def pending(self) -> tuple[BundleInfo, ...]:
        """Whole bundles, oldest first; files that are still being written are left alone.

        Raises SpoolError if the folder can't be read.
        """
        return self.look()[0]

    def look(self) -> tuple[tuple[BundleInfo, ...], tuple[tuple[Path, str], ...]]:
        """What is pending, and the bundles that can't be read, each with the reason. Raises as `pending`."""
        found = []
        unreadable = []
        for file in _bundles(self.folder):
            try:
                found.append((file.stat().st_mtime, bundle_info(file)))
            except FileNotFoundError:
                continue  # another process has sent it meanwhile
            except OSError as error:
                unreadable.append((file, error.strerror or str(error)))
        return tuple(info for _, info in sorted(found, key=lambda item: (item[0], item[1].id))), tuple(unreadable)

    @contextmanager
    def claim(
        self,
        bundle: BundleInfo,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[bool]:
        """This process alone sends `bundle`; False where another still does after `patience` seconds.

        The system takes the lock back when its holder dies. Where none can be made (read-only disk, say) the
        bundle is sent without: sent twice it is stored once, not sent it helps nobody.
        """
        end = clock() + patience
        with ExitStack() as stack:
            while True:
                try:
                    mine = stack.enter_context(held(self.folder / f".lock-{bundle.id[:2]}"))
                except OSError as error:
                    log.warning("%s is sent without a lock: %s", bundle.id, error.strerror)
                    mine = True
                if mine or clock() >= end:
                    break
                stack.close()
                sleep(_POLL_SECONDS)
            yield mine

    def waits(self, bundle: BundleInfo) -> bool:
        return (self.folder / f"{bundle.id}.zip").exists()

    def place(self, bundle: BundleInfo) -> Path:
        """Where a bundle lies that may have been set aside."""
        aside = self._rejected / f"{bundle.id}.zip"
        return aside if not bundle.path.exists() and aside.exists() else bundle.path

    def sent(self, bundle: BundleInfo, delivery: Delivery | None = None) -> None:
        """Takes a bundle out whose receipt has come, and keeps the receipt. Raises OSError."""
        if delivery is not None:
            receipt = {
                "id": bundle.id,
                "sha256": bundle.sha256,
                "target": delivery.target,
                "received": iso(delivery.received),
            }
            try:
                durable.write(durable.folder(self._sent) / f"{bundle.id}.json", json.dumps(receipt).encode())
                self._forget_receipts()
            except OSError as error:  # a full disk: the bundle's own room is what is about to be given back
                log.warning("the receipt of %s can't be kept: %s", bundle.id, error.strerror)
        durable.remove(self.folder / f"{bundle.id}.zip")

    def receipt(self, bundle: BundleInfo) -> Delivery | None:
        """What came of a bundle that another process sent; None where nothing is known."""
        try:
            document = json.loads((self._sent / f"{bundle.id}.json").read_bytes())
            if document["sha256"] != bundle.sha256:
                return None
            received = datetime.fromisoformat(str(document["received"]).replace("Z", "+00:00"))
            return Delivery("delivered", document["target"], received=received)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def reject(self, bundle: BundleInfo, reason: str) -> Path:
        """Sets a bundle aside that the receiver refuses for good, with the reason beside it."""
        aside = self._rejected
        try:
            durable.folder(aside)
            durable.write(aside / f"{bundle.id}.reason.txt", (reason + "\n").encode())
            return durable.move(self.folder / f"{bundle.id}.zip", aside / f"{bundle.id}.zip")
        except OSError as error:
            raise SpoolError(f"the bundle can't be set aside in {aside}: {error.strerror}") from error

    def keep_within_quota(
        self,
        newest: str,
        verdict_of: Callable[[Path], str | None] = lambda file: None,
        now: Callable[[], float] = time.time,
    ) -> tuple[str, ...]:
        """Removes what is too old or above the quota, never the bundle whose id is `newest`; tells which.

        `verdict_of` a bundle is asked for only where something may have to go; None counts as a failure.
        """
        files = {}
        for folder in (self.folder, self._rejected):
            try:
                bundles = _bundles(folder)
            except SpoolError as error:  # no reason to keep back a verdict
                log.warning("no room is made: %s", error)
                continue
            for file in bundles:
                try:
                    status = file.stat()
                except OSError:
                    continue
                files[file] = (status.st_size, now() - status.st_mtime)
        total, oldest = sum(size for size, _ in files.values()), max((age for _, age in files.values()), default=0.0)
        if total <= self._quota.bytes and oldest <= self._quota.seconds * HEALTHY_PART:
            return ()
        kept = {
            file: Kept(file.stem, size, age, self._standing(file, verdict_of)) for file, (size, age) in files.items()
        }
        places = {id(one): file for file, one in kept.items()}
        removed = []
        for one, why in surplus(kept.values(), self._quota, newest):
            if self._remove(places[id(one)], why):
                removed.append(one.id)
        return tuple(removed)

    def _standing(self, file: Path, verdict_of: Callable[[Path], str | None]) -> Standing:
        if verdict_of(file) in ("healthy", "nothing-found"):
            return "healthy"
        return "refused" if file.parent == self._rejected else "failed"

    def _remove(self, file: Path, why: str) -> bool:
        try:
            durable.remove(file)
            durable.remove(file.with_name(f"{file.stem}.reason.txt"))
        except OSError as error:  # another process has it open (Windows), or the disk is read-only
            log.warning("%s can't be removed: %s", file, error.strerror)
            return False
        log.warning("%s: bundle %s removed unsent", why, file.stem)
        return True

    def _forget_receipts(self) -> None:
        receipts = sorted(self._sent.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in receipts[:-_MOST_RECEIPTS]:
            file.unlink(missing_ok=True)


def _bundles(folder: Path) -> list[Path]:
    """Plain files of a bundle's name: what a link leads to was not redacted, and a pipe is never at its end."""
    try:
        with os.scandir(folder) as entries:
            named = [entry for entry in entries if _NAME.match(entry.name)]
            files = [Path(entry.path) for entry in named if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SpoolError(f"the spool folder {folder} can't be read: {error.strerror}") from error
    if len(files) < len(named):
        log.warning("%s: %s of a bundle's name are no plain files and left alone", folder, len(named) - len(files))
    return files


def bundle_info(file: Path) -> BundleInfo:
    """Size and hash of a bundle's file. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return BundleInfo(file.stem, file, size, digest.hexdigest())
