"""Which sources are on a disk, Linux or Windows, and what is in the way of others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.discover.catalog import places
from collector.discover.scan import scan, system_of
from collector.errors import DataError
from collector.model import Source

CSE = "Microsoft.Azure.Extensions.CustomScript"


def disk(tmp_path: Path, *paths: str) -> Path:
    for path in paths:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x\n")
    return tmp_path


def found(root: Path, extensions: tuple[str, ...] = ()) -> dict[str, Source]:
    return {source.path: source for source in scan(root, system_of(root), extensions).sources}


LINUX = [
    ("var/log/plugins/Pub.Type/Extension.log", "log", "Pub.Type", None, None, None),
    ("var/log/waagent.log", "log", None, None, None, None),
    ("var/log/waagent.log.2.gz", "log", None, None, None, None),
    ("var/log/waagent.log-2026-01-02-1767312000.gz", "log", None, None, None, None),
    (f"var/log/azure/{CSE}/CommandExecution.log", "log", CSE, None, None, None),
    ("var/log/azure/Pub.Type/CommandExecution_Mount.log", "log", "Pub.Type", None, "Mount", None),
    ("var/log/azure/Pub.Type/1.2.3/CommandExecution.log", "log", "Pub.Type", "1.2.3", None, None),
    ("var/log/azure/custom-script/handler.log", "log", CSE, None, None, None),
    ("var/log/azure/run-command-handler/handler.log", "log", "Microsoft.CPlat.Core.RunCommandHandlerLinux", None, None, None),
    ("var/log/azure/Pub.Type/extension.log.1", "log", "Pub.Type", None, None, None),
    ("var/log/azure/Pub.Type/log_1715678912", "log", "Pub.Type", None, None, None),
    ("var/lib/waagent/custom-script/download/3/stderr", "output", CSE, None, None, 3),
    ("var/lib/waagent/run-command-handler/download/Mount/0/stdout", "output", "Microsoft.CPlat.Core.RunCommandHandlerLinux", None, "Mount", 0),
    (f"var/lib/waagent/{CSE}-2.1.19/status/3.status", "status", CSE, "2.1.19", None, 3),
    ("var/lib/waagent/Pub.Type-1.0/status/Mount.12.status", "status", "Pub.Type", "1.0", "Mount", 12),
    ("var/lib/waagent/Pub.Type-1.0/config/HandlerStatus", "handler-status", "Pub.Type", "1.0", None, None),
    ("var/lib/waagent/Pub.Type-1.0/config/HandlerState", "handler-state", "Pub.Type", "1.0", None, None),
    ("var/lib/waagent/Pub.Type-1.0/config/0.settings", "settings", "Pub.Type", "1.0", None, None),
    ("var/lib/waagent/waagent_status.json", "aggregate", None, None, None, None),
    ("var/lib/waagent/history/2025-08-30T05-14-02__6/waagent_status.json", "aggregate", None, None, None, None),
]  # fmt: skip

WINDOWS = [
    ("WindowsAzure/Logs/WaAppAgent.log", "log", None, None, None, None),
    ("WindowsAzure/Logs/WaAppAgent.000.log", "log", None, None, None, None),
    ("WindowsAzure/Logs/Plugins/Pub.Type/Extension.log", "log", "Pub.Type", None, None, None),
    ("windowsazure/logs/plugins/Pub.Type/1.10.15/CustomScriptHandler.log", "log", "Pub.Type", "1.10.15", None, None),
    ("Packages/Plugins/Pub.Type/1.10.15/Status/2.status", "status", "Pub.Type", "1.10.15", None, 2),
    ("PACKAGES/plugins/Pub.Type/1.10.15/STATUS/Mount.2.status", "status", "Pub.Type", "1.10.15", "Mount", 2),
    ("WindowsAzure/Logs/AggregateStatus/aggregatestatus.json", "aggregate", None, None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "kind", "extension", "version", "name", "sequence"), LINUX + WINDOWS)
def test_a_place(tmp_path: Path, path, kind, extension, version, name, sequence):
    source = found(disk(tmp_path, path))[path]
    assert (source.kind, source.extension, source.version) == (kind, extension, version)
    assert (source.name, source.sequence, source.size) == (name, sequence, 2)


def test_the_agents_own_configuration_moves_the_folders(tmp_path: Path):
    disk(tmp_path, "usr/local/waagent/Pub.Type-1.0/status/0.status", "data/ext/Pub.Type/extension.log")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/waagent.conf").write_text(
        "# x\nLib.Dir=/usr/local/waagent\nExtension.LogDir = /data/ext  # moved\n"
    )
    assert set(found(tmp_path)) == {
        "usr/local/waagent/Pub.Type-1.0/status/0.status",
        "data/ext/Pub.Type/extension.log",
    }


def test_known_places_where_nothing_lies_are_said_to_be_missing(tmp_path: Path):
    missing = {entry.path: entry.outcome for entry in scan(tmp_path, "linux").unfound}
    assert missing["var/log/waagent.log*"] == "missing"
    assert missing["var/log/plugins/*/*.log*"] == "missing"


@pytest.mark.parametrize(
    ("glob", "kept"),
    [("*CustomScript", True), ("CustomScript", True), (CSE.lower(), True), ("Acme.*", False)],
)
def test_extensions_by_glob(tmp_path: Path, glob: str, kept: bool):
    root = disk(tmp_path, "var/log/waagent.log", f"var/log/azure/{CSE}/handler.log")
    sources = found(root, (glob,))
    assert "var/log/waagent.log" in sources
    assert (f"var/log/azure/{CSE}/handler.log" in sources) is kept


def test_what_is_no_file_is_named_and_never_opened(tmp_path: Path):
    disk(tmp_path, "var/log/azure/Pub.Type/extension.log")
    (tmp_path / "var/log/waagent.log").mkdir()
    os.mkfifo(tmp_path / "var/log/azure/Pub.Type/pipe.log")
    problems = {path: source.problem for path, source in found(tmp_path).items()}
    assert problems["var/log/waagent.log"] == "not-a-file"
    assert problems["var/log/azure/Pub.Type/pipe.log"] == "not-a-file"


def test_links_stay_inside_the_disk(tmp_path: Path):
    secret = tmp_path / "outside.log"
    secret.write_text("secret\n")
    root = disk(tmp_path / "disk", "data/waagent/real.log")
    logs = root / "var/log"
    logs.mkdir(parents=True)
    (logs / "waagent.log").symlink_to("/data/waagent/real.log")  # as the disk's own machine saw it
    (logs / "waagent.log.1").symlink_to(secret)
    (logs / "waagent.log.2").symlink_to("../../../outside.log")
    (logs / "waagent.log.3").symlink_to("waagent.log.3")
    sources = found(root)
    assert sources["var/log/waagent.log"].file == root / "data/waagent/real.log"
    assert sources["var/log/waagent.log"].problem is None
    for number in (1, 2, 3):
        assert sources[f"var/log/waagent.log.{number}"].problem in ("denied", "vanished")


def test_a_circle_of_folders_ends(tmp_path: Path):
    root = disk(tmp_path, "var/log/azure/Pub.Type/extension.log")
    (root / "var/log/azure/Pub.Type/again").symlink_to("/var/log/azure")
    assert "var/log/azure/Pub.Type/extension.log" in found(root)


@pytest.mark.parametrize(
    ("folders", "system"),
    [
        (["var", "etc"], "linux"),
        (["WindowsAzure"], "windows"),
        (["Packages", "Windows"], "windows"),
        (["windows", "etc"], "windows"),
        ([], "linux"),
    ],
)
def test_the_system_by_what_lies_there(tmp_path: Path, folders: list[str], system: str):
    for folder in folders:
        (tmp_path / folder).mkdir()
    assert system_of(tmp_path) == system


def test_a_row_of_ones_own(tmp_path: Path):
    root = disk(tmp_path / "disk", "opt/acme/logs/acme.log")
    (tmp_path / "acme.toml").write_text(
        '[[source]]\nid = "acme"\nglob = "opt/acme/logs/*.log"\nkind = "log"\nextension = "Acme.App"\nsource = "us"\n'
    )
    sources = {source.path: source for source in scan(root, "linux", (), (tmp_path / "acme.toml",)).sources}
    assert sources["opt/acme/logs/acme.log"].extension == "Acme.App"


@pytest.mark.parametrize("row", ['kind = "log"\nfoo = 1', 'kind = "novel"', 'kind = "log"\npath = "("'])
def test_a_broken_row_is_named(tmp_path: Path, row: str):
    (tmp_path / "acme.toml").write_text(f'[[source]]\nid = "acme"\nglob = "x"\nsource = "us"\n{row}\n')
    with pytest.raises(DataError, match="acme"):
        places("linux", {"lib": "", "log": "", "agentlog": ""}, [tmp_path / "acme.toml"])
