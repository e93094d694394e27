"""A file of the spool that is not the bundle it is named after reaches no store: only our own endpoint would look."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from collector.bundle.encryption import recipients
from collector.bundle.verifying import no_bundle
from collector.bundle.writer import write
from collector.model import BundleInfo
from tests.bundle.samples import REPORT, seal
from tests.collecting import vmext

ID = "0123456789abcdef"


def whole(folder: Path) -> BundleInfo:
    return write(REPORT, seal=seal, audit=dict, folder=folder)


def sealed(folder: Path) -> BundleInfo:
    key = str(pyrage.x25519.Identity.generate().to_public())
    return write(REPORT, seal=seal, audit=dict, folder=folder, recipients=recipients([key]))


def plain_text(file: Path) -> None:
    file.write_text("password=hunter2hunter2\n")


def empty(file: Path) -> None:
    file.touch()


def cut_off(file: Path) -> None:
    made = whole(file.parent).path
    file.write_bytes(made.read_bytes()[:-30])
    made.unlink()


def another_zip(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("notes.txt", "password=hunter2hunter2")


def misnamed(file: Path) -> None:
    whole(file.parent).path.rename(file)


def misnamed_sealed(file: Path) -> None:
    sealed(file.parent).path.rename(file)


def changed(file: Path, name: str, change: Callable[[dict[str, object]], None]) -> None:
    """The bundle with another member of JSON."""
    made = whole(file.parent).path
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            if member == name:
                document = json.loads(data)
                change(document)
                data = json.dumps(document).encode()
            new.writestr(member, data)
    made.unlink()


def renumbered(file: Path) -> None:
    changed(file, "manifest.json", lambda manifest: manifest.update(id=ID))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (plain_text, "no zip file"),
        (empty, "no zip file"),
        (cut_off, "no zip file, or only a part of one"),
        (another_zip, "has no member manifest.json"),
        (misnamed, "the bundle in it has the id "),
        (misnamed_sealed, "the bundle in it has the id "),
        (renumbered, "the bundle's id is not made from its incident"),
    ],
)
def test_it_is_set_aside_with_the_reason_and_the_others_go(tmp_path: Path, make: Callable[[Path], None], says: str):
    spool, store = tmp_path / "state/spool", tmp_path / "store"
    spool.mkdir(parents=True)
    store.mkdir()
    make(spool / f"{ID}.zip")
    good = whole(spool)
    told = vmext("upload", "--upload", store.as_uri(), "--state-dir", tmp_path / "state")
    assert [file.name for file in store.rglob("*.zip")] == [good.path.name]
    assert list(spool.glob("*.zip")) == []
    assert (spool / "rejected" / f"{ID}.zip").exists()
    assert says in (spool / "rejected" / f"{ID}.reason.txt").read_text()
    assert told.code == 20
    assert "it is set aside as" in told.out.replace("\n", " ")
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize("make", [whole, sealed])
def test_a_whole_bundle_goes(tmp_path: Path, make: Callable[[Path], BundleInfo]):
    spool, store = tmp_path / "state/spool", tmp_path / "store"
    spool.mkdir(parents=True)
    store.mkdir()
    made = make(spool)
    told = vmext("upload", "--upload", store.as_uri(), "--state-dir", tmp_path / "state")
    assert (told.code, [file.name for file in store.rglob("*.zip")]) == (0, [made.path.name]), told.out


def test_what_a_newer_version_made_may_be_whole(tmp_path: Path):
    file = tmp_path / f"{ID}.zip"
    changed(file, "manifest.json", lambda manifest: manifest.update(schema=99))
    assert no_bundle(file) is None


def test_what_can_not_be_read_is_not_judged(tmp_path: Path):
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError):
        no_bundle(tmp_path / f"{ID}.zip")
