"""Writes one bundle: all of it or nothing, redacted or not at all."""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from collector.bundle.layout import DETAIL_CHARACTERS, Plan, plan
from collector.bundle.members import fill
from collector.bundle.sealing import Seal
from collector.errors import BundleError
from collector.model import BundleInfo, Report
from collector.platforms.folders import sync_folder

if TYPE_CHECKING:
    from collector.bundle.encryption import Recipients

log = logging.getLogger(__name__)

PARTIAL = ".partial"
_BUFFER = 1 << 16  # bytes
#: Text a bundle may hold for each byte of its budget, tried in this order: logs shrink to a fifth or less.
_TEXT_FACTORS = (3.0, 1.0, 0.4, 0.1, 0.0)
_MOST_TEXT = 24_000_000  # bytes of text, whatever the budget: it is held in memory
_LEAST_DETAIL = 2_000  # characters of a failure's whole text when nothing else helps
#: A temporary file older than this belongs to a dead run, even where a new process has its number.
_STALE_SECONDS = 3_600


def write(
    report: Report,
    *,
    seal: Seal,
    audit: Callable[[], object],
    folder: Path,
    budget_bytes: int = 5_000_000,
    budget: Mapping[str, int] | None = None,
    recipients: Recipients | None = None,
    before_named: Callable[[BundleInfo], None] = lambda bundle: None,
) -> BundleInfo:
    """Writes `<id>.zip` into `folder`, of at most `budget_bytes` bytes as far as lines can be left out.

    With `recipients` only they can read it: it is put together in memory, and on the disk it is never in the clear.

    `report` has been redacted; `seal` redacts once more each member as it will be written. `audit` tells what
    was redacted, `budget` the limits in force, for the manifest. `before_named` is told of the bundle that is whole
    on the disk and gets its name next.

    Raises BundleError where the folder can't be written or a member did not pass redaction.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clean(folder, time.time())
        for factor in _TEXT_FACTORS:
            detail = DETAIL_CHARACTERS if factor else _LEAST_DETAIL
            fitted = plan(report, min(int(budget_bytes * factor), _MOST_TEXT), detail)
            limits = {"bytes_per_bundle": budget_bytes, **(budget or {})}
            contents = functools.partial(_contents, fitted, seal, audit, limits, recipients)
            bundle = _write(folder, contents, encrypted=recipients is not None)
            if bundle.bytes <= budget_bytes or not factor:
                before_named(bundle)
                return _in_place(bundle)
            bundle.path.unlink()
    except OSError as error:
        hint = "Free some space there, or give another folder with --state-dir."
        raise BundleError(f"the bundle can't be written to {folder}: {error.strerror}", hint) from error
    raise AssertionError("the last factor always returns")


def copy(bundle: BundleInfo, folder: Path) -> BundleInfo:
    """A copy in another folder, as whole or not there as the bundle itself. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _clean(folder, time.time())

    def contents(file: IO[bytes]) -> str:
        with bundle.path.open("rb") as original:
            shutil.copyfileobj(original, file, _BUFFER)
        return bundle.id

    return _in_place(_write(folder, contents, encrypted=bundle.encrypted))


def _contents(
    fitted: Plan,
    seal: Seal,
    audit: Callable[[], object],
    budget: Mapping[str, int],
    recipients: Recipients | None,
    file: IO[bytes],
) -> str:
    """The bundle's bytes into `file`; returns its id."""
    if recipients is None:
        return fill(file, fitted, seal, audit, budget)
    from collector.bundle.sealed import write_sealed

    plain = io.BytesIO()
    bundle_id = fill(plain, fitted, seal, audit, budget)
    write_sealed(file, plain, fitted.report, bundle_id, recipients, seal)
    return bundle_id


def _write(folder: Path, contents: Callable[[IO[bytes]], str], *, encrypted: bool) -> BundleInfo:
    """The temporary file, complete and on the disk, with the name it will get."""
    partial = folder / f".{os.getpid()}-{os.urandom(6).hex()}{PARTIAL}"
    written: BundleInfo | None = None
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            bundle_id = contents(file)
            file.flush()
            os.fsync(file.fileno())
        written = BundleInfo(bundle_id, partial, partial.stat().st_size, _sha256(partial), encrypted)
    finally:
        if written is None:
            partial.unlink(missing_ok=True)
    return written


def _in_place(bundle: BundleInfo) -> BundleInfo:
    path = bundle.path.with_name(f"{bundle.id}.zip")
    try:
        bundle.path.replace(path)
    except OSError:
        bundle.path.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return replace(bundle, path=path)


# ---- the folder ----------------------------------------------------------------------------------------


def _clean(folder: Path, now: float) -> None:
    """Removes the temporary files that killed runs left behind."""
    partials = list(folder.glob(f".*{PARTIAL}"))
    if not partials:
        return
    import psutil

    for partial in partials:
        number = partial.name[1:].split("-", 1)[0]
        try:
            alive = number.isdigit() and psutil.pid_exists(int(number))
            if not alive or now - partial.stat().st_mtime > _STALE_SECONDS:
                partial.unlink()
                log.info("removed %s, left by a run that was stopped", partial)
        except FileNotFoundError:
            log.debug("%s is gone already", partial)


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BUFFER):
            hashed.update(block)
    return hashed.hexdigest()
