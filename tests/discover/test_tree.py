"""The walk below a root: bounded, and it says what it left out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from collector.discover.tree import Tree
from collector.discover.versions import current_version, with_notes
from collector.model import Source


def disk(tmp_path: Path, *paths: str) -> Path:
    for path in paths:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x\n")
    return tmp_path


def test_a_crowded_folder_is_not_listed_whole_and_others_are(tmp_path: Path):
    root = disk(tmp_path, *(f"a/{number}.log" for number in range(8)), "b/1.log", "b/2.log")
    tree = Tree(root, fold=False, most_in_folder=5)
    assert len(list(tree.glob("*/*.log"))) == 7
    assert "more than 5 names" in tree.crowded["a"]
    assert "b" not in tree.crowded


def test_the_whole_walk_is_bounded(tmp_path: Path):
    root = disk(tmp_path, *(f"a/{number}.log" for number in range(4)), *(f"b/{number}.log" for number in range(4)))
    tree = Tree(root, fold=False, most_files=7)
    assert len(list(tree.glob("*/*.log"))) == 5  # a and b themselves are two names
    assert "more than 7 names on the disk" in tree.crowded["b"]
    assert list(tree.glob("b/3.log")) == ["b/3.log"]  # what needs no listing is still found


@pytest.mark.parametrize(
    "fold",
    [
        True,
        pytest.param(False, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows itself folds names")),
    ],
)
def test_names_in_another_case(tmp_path: Path, fold: bool):
    tree = Tree(disk(tmp_path, "Folder/File.Json"), fold=fold)
    assert tree.read("folder/file.json", 10) == (b"x\n" if fold else None)
    assert list(tree.glob("FOLDER/*.JSON")) == (["Folder/File.Json"] if fold else [])


def test_a_file_is_read_up_to_a_limit_and_a_folder_not_at_all(tmp_path: Path):
    tree = Tree(disk(tmp_path, "a/b"), fold=False)
    assert (tree.read("a/b", 1), tree.read("a", 1), tree.read("a/b/c", 1), tree.read("a/\0", 1)) == (
        b"x",
        None,
        None,
        None,
    )


def test_links_never_lead_out(tmp_path: Path):
    (tmp_path / "outside").write_text("secret\n")
    root = disk(tmp_path / "disk", "in/file")
    for name, target in (
        ("up", "../../outside"),
        ("gone", "nothing/../../../outside"),
        ("loop", "loop"),
        ("a", "/a/b"),
    ):
        (root / name).symlink_to(target)
    tree = Tree(root, fold=False)
    assert [tree.resolve(name) for name in ("up", "gone", "loop", "a")] == [None] * 4
    (root / "chain").symlink_to("/in")
    (root / "in/again").symlink_to("../chain/file")
    assert tree.resolve("chain/again") == root / "in/file"


@pytest.mark.parametrize(
    ("states", "current"),
    [
        ({"1.9": "Enabled", "1.10": "Enabled"}, "1.10"),
        ({"1.0": "Enabled", "2.0": "NotInstalled"}, "1.0"),
        ({"1.0": "Installed", "2.0": "FailedUpgrade"}, "1.0"),
        ({"1.0": "Enabled", "2.0": None}, "1.0"),
        ({"1.0": "NotInstalled", "2.0": ""}, None),
        ({}, None),
    ],
)
def test_the_current_version_by_the_agents_own_rule(states: dict[str, str | None], current: str | None):
    assert current_version(states) == current


def test_where_no_state_tells_the_note_says_so_and_on_windows_names_the_highest():
    sources = [
        Source(f"x/{version}", Path("x"), "status", extension="P.T", version=version) for version in ("1.9", "1.10")
    ]
    assert {source.note for source in with_notes(sources, {}, "linux")} == {
        "one of 2 versions here, none of them current by its HandlerState"
    }
    assert [source.note for source in with_notes(sources, {}, "windows")] == [
        "one of 2 versions here, the highest is 1.10",
        "highest of 2 versions here",
    ]
