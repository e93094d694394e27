"""Bundles of all sample disks, made by the real stages in this process: quick, and the same at every call."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from collector import pipeline
from collector.bundle.writer import write
from collector.model import BundleInfo, Report, Source
from collector.redact.redactor import Redactor

TESTS = Path(__file__).parents[1]
DISKS = sorted(
    [*TESTS.glob("cases/*/disk"), *TESTS.glob("scenarios/*/disk"), *TESTS.glob("scenarios/rules/*/disk")],
    key=str,
)
NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
KEY = b"k" * 32


class Silent:
    def begin(self, total: int) -> None:
        pass

    def __call__(self, source: Source) -> None:
        pass


def report_of(disk: Path) -> Report:
    """Before redaction."""
    return pipeline.collect(pipeline.Request(root=disk), NOW, Silent())


def bundle_of(disk: Path, folder: Path, **options: Any) -> BundleInfo:
    redactor = Redactor(KEY)
    report = redactor.clean(report_of(disk))
    return write(report, seal=redactor, audit=redactor.document, folder=folder, **options)
