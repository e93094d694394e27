"""The power goes at each write of the spool: what is found is the old state or the new one, and it goes on from there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.deliver.spool import Spool
from collector.model import BundleInfo, Delivery
from tests.bundle.samples import at
from tests.deliver.receiver import receiver
from tests.fault.recording import Recording, after_power_cuts, recorded
from tests.fault.rig import bundles

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

DELIVERED = Delivery("delivered", "https://support.example", received=at("10:00:00"))


def found(tmp_path: Path, files: dict[str, bytes]) -> Spool:
    """A spool as the next process finds it."""
    folder = tmp_path / "found"
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return Spool(folder)


def places(files: dict[str, bytes], bundle: BundleInfo, whole: bytes) -> list[str]:
    """Where the bundle lies, all of it; half of one under a name that counts is an error."""
    named = [name for name in files if name.endswith(f"{bundle.id}.zip") and ".partial" not in name]
    assert all(files[name] == whole for name in named)
    return named


def check(recording: Recording, judge: Callable[[str, dict[str, bytes]], str]) -> set[str]:
    """Each state after each cut is judged; gives what was met."""
    assert len(recording.steps) > 2
    return {judge(when, files) for when, files in after_power_cuts(recording)}


def test_while_a_bundle_is_written(tmp_path: Path):
    spool = tmp_path / "spool"
    spool.mkdir()
    with recorded(spool) as recording:
        bundle = bundles(spool)[0]
    whole = bundle.path.read_bytes()

    def judge(when: str, files: dict[str, bytes]) -> str:
        return "there" if places(files, bundle, whole) else "not there"

    assert check(recording, judge) == {"there", "not there"}
    assert judge("at the end", dict(list(after_power_cuts(recording))[-1][1])) == "there"


def test_while_a_delivered_bundle_is_taken_out(tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    bundle = bundles(spool.folder)[0]
    whole = bundle.path.read_bytes()
    with recorded(spool.folder) as recording:
        spool.sent(bundle, DELIVERED)

    def judge(when: str, files: dict[str, bytes]) -> str:
        if places(files, bundle, whole):
            return "waits"
        receipt = found(tmp_path / when.replace(" ", "-"), files).receipt(bundle)
        assert receipt == DELIVERED, when  # out of the spool only with its receipt
        return "sent"

    assert check(recording, judge) == {"waits", "sent"}


def test_while_a_refused_bundle_is_set_aside(tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    bundle = bundles(spool.folder)[0]
    whole = bundle.path.read_bytes()
    with recorded(spool.folder) as recording:
        spool.reject(bundle, "no bundle")

    def judge(when: str, files: dict[str, bytes]) -> str:
        where = places(files, bundle, whole)
        assert len(where) == 1, when
        if where[0].startswith("rejected/"):
            assert files[f"rejected/{bundle.id}.reason.txt"] == b"no bundle\n", when
            return "aside"
        return "waits"

    assert check(recording, judge) == {"waits", "aside"}


def test_while_the_quota_takes_some_out(tmp_path: Path):
    written = bundles(tmp_path / "spool", 3)
    contents = {bundle.id: bundle.path.read_bytes() for bundle in written}
    spool = Spool(tmp_path / "spool", quota_bytes=sum(bundle.bytes for bundle in written) - 1)
    with recorded(spool.folder) as recording:
        removed = spool.keep_within_quota(written[2].id)
    assert len(removed) == 1

    def judge(when: str, files: dict[str, bytes]) -> str:
        there = [bundle for bundle in written if places(files, bundle, contents[bundle.id])]
        assert written[2] in there, when
        return str(len(there))

    assert {judge(when, files) for when, files in after_power_cuts(recording)} == {"2", "3"}


def test_whatever_is_found_is_sent_once_by_the_next_process(tmp_path: Path):
    """Each state that a cut leaves goes through a whole delivery."""
    from collector.deliver.send import deliver

    spool = Spool(tmp_path / "spool")
    bundle = bundles(spool.folder)[0]
    with receiver() as server:
        with recorded(spool.folder) as recording:
            assert deliver(bundle, spool, server.url, "token").state == "delivered"
        states = list(after_power_cuts(recording))
        for number, (_, files) in enumerate(states):
            again = found(tmp_path / str(number), files)
            for waiting in again.pending():
                assert deliver(waiting, again, server.url, "token").state == "delivered"
            assert again.pending() == ()
        assert list(server.stored) == [bundle.id]
    assert len(states) > 10


def test_the_model_itself_finds_a_rename_before_the_sync(tmp_path: Path):
    """A writer that forgets to sync is caught."""
    folder = tmp_path / "careless"
    folder.mkdir()
    with recorded(folder) as recording:
        (folder / "x.partial").write_bytes(b"whole")
        (folder / "x.partial").rename(folder / "x.zip")
    assert any(files.get("x.zip") == b"" for _, files in after_power_cuts(recording))
