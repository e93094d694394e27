"""What goes when the spool is full or old: healthy ones first, failed ones last, the newest never."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.deliver.quota import Kept, Quota, surplus
from collector.deliver.spool import Spool
from collector.model import Delivery
from collector.service.sending import verdict_of
from tests.collecting import collect, put
from tests.fault.rig import bundles

DAY = 86_400.0


def kept(*rows: tuple[str, int, float, str]) -> list[Kept]:
    return [Kept(name, size, days * DAY, standing) for name, size, days, standing in rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "bytes_", "gone"),
    [
        ([("a", 10, 2, "failed"), ("b", 10, 1, "healthy")], 20, []),
        ([("a", 10, 2, "failed"), ("b", 10, 1, "healthy")], 19, ["b"]),
        ([("a", 10, 2, "failed"), ("b", 10, 1, "healthy")], 5, ["b", "a"]),
        ([("a", 10, 3, "refused"), ("b", 10, 1, "healthy"), ("c", 10, 5, "failed")], 10, ["b", "a"]),
        ([("a", 10, 1, "healthy"), ("b", 10, 2, "healthy"), ("c", 10, 3, "healthy")], 15, ["c", "b"]),
        ([("new", 99, 0, "healthy"), ("a", 10, 3, "failed")], 50, ["a"]),
        ([("new", 99, 90, "healthy")], 50, []),
        (
            [("a", 1, 31, "failed"), ("b", 1, 29, "failed"), ("c", 1, 8, "healthy"), ("d", 1, 7, "healthy")],
            99,
            ["c", "a"],
        ),
        ([("a", 1, -5000, "failed")], 99, []),  # from a clock that was ahead
    ],
)
def test_what_goes_and_in_which_order(rows: list[tuple[str, int, float, str]], bytes_: int, gone: list[str]):
    assert [one.id for one, _ in surplus(kept(*rows), Quota(bytes_, 30 * DAY), "new")] == gone


def test_the_verdict_is_read_from_the_bundle_itself(tmp_path: Path):
    """A healthy one goes before an older failed one."""
    put(tmp_path / "disk", "var/log/waagent.log", "2026-05-04T03:12:11.000000Z INFO ExtHandler running as process 50\n")
    state = tmp_path / "state"
    healthy = Path(collect(tmp_path / "disk", state).json["bundle"]["path"])
    failed, newest = bundles(state / "spool", 2)
    for number, file in enumerate((failed.path, healthy)):
        os.utime(file, (1_000_000_000 + number, 1_000_000_000 + number))
    spool = Spool(state / "spool", sum(file.stat().st_size for file in (failed.path, healthy, newest.path)) - 1, 1e12)
    assert (verdict_of(healthy), verdict_of(failed.path)) == ("healthy", "failed")
    assert spool.keep_within_quota(newest.id, verdict_of) == (healthy.stem,)


def test_what_was_set_aside_counts_and_goes_with_its_reason(tmp_path: Path):
    poison, newest = bundles(tmp_path / "spool", 2)
    spool = Spool(tmp_path / "spool", quota_bytes=newest.bytes)
    spool.reject(poison, "no bundle")
    assert spool.keep_within_quota(newest.id) == (poison.id,)
    assert list((tmp_path / "spool/rejected").iterdir()) == []


def test_receipts_are_kept_for_the_newest_hundred(tmp_path: Path):
    folder = tmp_path / "spool/sent"
    folder.mkdir(parents=True)
    for number in range(100):
        (folder / f"{number:016x}.json").write_text("{}")
        os.utime(folder / f"{number:016x}.json", (number, number))
    bundle = bundles(tmp_path / "spool")[0]
    Spool(tmp_path / "spool").sent(bundle, Delivery("delivered", "https://x"))
    names = sorted(file.stem for file in folder.iterdir())
    assert len(names) == 100
    assert (f"{0:016x}" in names, bundle.id in names) == (False, True)
