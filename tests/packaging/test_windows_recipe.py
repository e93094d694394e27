"""What goes into the Windows package, and that it depends on nothing else."""

from __future__ import annotations

import hashlib
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging import bills

ROOT = Path(__file__).parents[2]
PLACES = [str(ROOT / "packaging"), str(ROOT / "packaging" / "windows")]
LOCKS = sorted((ROOT / "packaging" / "locks").glob("*.txt"))
LISTS = ["windows/python.txt", "windows/launcher.txt", *(f"locks/{file.name}" for file in LOCKS)]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the recipe, which are no package."""
    from importlib import import_module

    for place in PLACES:
        monkeypatch.syspath_prepend(place)
    names = ("checkout", "sbom", "wheels", "windows_tree", "windows_contents", "windows_installer", "build_windows")
    yield {name: import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", LISTS)
def test_every_part_is_pinned_by_its_hash(name: str, recipe: dict[str, ModuleType]):
    assert list(recipe["wheels"].pins(ROOT / "packaging" / name))


def test_a_line_that_is_no_pin_is_named(tmp_path: Path, recipe: dict[str, ModuleType]):
    (tmp_path / "list.txt").write_text("# x\nclick>=8\n")
    with pytest.raises(ValueError, match=r"list\.txt:2"):
        list(recipe["wheels"].pins(tmp_path / "list.txt"))


def test_the_list_of_contents_is_the_same_for_the_same_parts(tmp_path: Path, recipe: dict[str, ModuleType]):
    sbom = recipe["sbom"]
    parts = [sbom.Part("b", "2", "pkg:pypi/b@2", "0" * 64, "MIT"), sbom.Part("a", "1", "pkg:pypi/a@1", "1" * 64, "own")]
    written = []
    for given in (parts, parts[::-1]):
        (tmp_path / "vmext-0.1.0-windows.zip").write_bytes(b"package")
        written.append(sbom.write(tmp_path / "vmext-0.1.0-windows.zip", "0.1.0", given, 1_700_000_000).read_bytes())
    assert written[0] == written[1]
    document = bills.read(tmp_path / "vmext-0.1.0-windows.cdx.json")
    assert document["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(b"package").hexdigest()
    assert [part["name"] for part in document["components"]] == ["a", "b"]
    assert document["components"][1]["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]


def test_the_archive_is_the_same_for_the_same_files(
    tmp_path: Path, recipe: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "b").mkdir(parents=True)
        for file in ("b/x", "a") if name == "one" else ("a", "b/x"):
            (folder / file).write_text(file)
        recipe["build_windows"].pack_zip(folder, tmp_path / f"{name}.zip", "vmext-1")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["vmext-1/a", "vmext-1/b/x"]
        assert archive.getinfo("vmext-1/a").date_time == (2023, 11, 14, 22, 13, 20)


def test_every_file_has_its_place_in_the_installer(tmp_path: Path, recipe: dict[str, ModuleType]):
    from xml.etree import ElementTree

    folder = tmp_path / "vmext"
    names = ("vmext.exe", "python/python.exe", "python/x.dll", "lib/a b/é.pyc", "lib/collector/x.pyc")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    text = recipe["windows_installer"].description(folder, "0.1.0", uuid.UUID(int=1))
    root = ElementTree.fromstring(text)
    space = "{http://schemas.microsoft.com/wix/2006/wi}"
    files = list(root.iter(f"{space}File"))
    assert {file.get("Source") for file in files} == {f"vmext/{name}" for name in names}
    assert len({file.get("Id") for file in files}) == len(names)
    components = {one.get("Id"): one for one in root.iter(f"{space}Component")}
    assert {one.get("Id") for one in root.iter(f"{space}ComponentRef")} == set(components)
    keys = [file.get("Name") for file in components["c_python"].iter(f"{space}File") if file.get("KeyPath")]
    assert keys == ["python.exe"]  # the service's
    assert components["c_python"].find(f"{space}ServiceControl") is not None
