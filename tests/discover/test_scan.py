"""Which sources are on a disk, Linux or Windows, and what is in the way of others."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from collector.discover.scan import scan, system_of
from collector.model import LedgerEntry, Source

CSE = "Microsoft.Azure.Extensions.CustomScript"


def disk(tmp_path: Path, *paths: str) -> Path:
    for path in paths:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x\n")
    return tmp_path


def found(root: Path, extensions: tuple[str, ...] = ()) -> dict[str, Source]:
    return {source.path: source for source in scan(root, system_of(root), extensions).sources}


def unfound(root: Path) -> dict[str, LedgerEntry]:
    return {entry.path: entry for entry in scan(root, system_of(root)).unfound}


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
    ("var/lib/waagent/Pub.Type-1.0/config/0.settings", "settings", "Pub.Type", "1.0", None, 0),
    ("var/lib/waagent/Pub.Type-1.0/config/Mount.3.settings", "settings", "Pub.Type", "1.0", "Mount", 3),
    ("var/lib/waagent/waagent_status.json", "aggregate", None, None, None, None),
    ("var/lib/waagent/Pub.Type-1.0/config/odd.settings", "settings", "Pub.Type", "1.0", None, None),
    ("var/lib/waagent/Pub.Type-1.0/mrseq", "state", "Pub.Type", "1.0", None, None),
    ("var/lib/waagent/error.json", "state", None, None, None, None),
    ("var/log/azure-proxy-agent/ProxyAgent.log", "log", "Microsoft.CPlat.ProxyAgent.ProxyAgentLinux", None, None, None),
    ("var/log/azure/nvidia-vmext-status", "log", "Microsoft.HpcCompute.NvidiaGpuDriverLinux", None, None, None),
    ("var/log/azure/ib-vmext-status/install.log", "log", "Microsoft.HpcCompute.InfiniBandDriverLinux", None, None, None),
    ("var/log/azure/Microsoft.Azure.KeyVault.KeyVaultForLinux/akvvm", "log", "Microsoft.Azure.KeyVault.KeyVaultForLinux", None, None, None),
    ("var/log/azure/kubelet-status.log", "log", CSE, None, None, None),
    ("var/log/azure/aks-node-controller.output", "log", CSE, None, None, None),
    ("opt/azure/containers/provision.complete", "state", None, None, None, None),
    ("var/log/cloud-init.log", "log", None, None, None, None),
    ("var/lib/waagent/history/2025-08-30T05-14-02__6/waagent_status.json", "aggregate", None, None, None, None),
]  # fmt: skip

WINDOWS = [
    ("WindowsAzure/Logs/WaAppAgent.log", "log", None, None, None, None),
    ("WindowsAzure/Logs/WaAppAgent.000.log", "log", None, None, None, None),
    ("WindowsAzure/Logs/Plugins/Pub.Type/Extension.log", "log", "Pub.Type", None, None, None),
    ("windowsazure/logs/plugins/Pub.Type/1.10.15/CustomScriptHandler.log", "log", "Pub.Type", "1.10.15", None, None),
    ("Packages/Plugins/Pub.Type/1.10.15/Status/2.status", "status", "Pub.Type", "1.10.15", None, 2),
    ("PACKAGES/plugins/Pub.Type/1.10.15/STATUS/Mount.2.status", "status", "Pub.Type", "1.10.15", "Mount", 2),
    ("Packages/Plugins/Pub.Type/1.10.15/RuntimeSettings/2.settings", "settings", "Pub.Type", "1.10.15", None, 2),
    ("WindowsAzure/Logs/AggregateStatus/aggregatestatus.json", "aggregate", None, None, None, None),
    ("WindowsAzure/Logs/Plugins/Pub.Type/Install.log", "log", "Pub.Type", None, None, None),
    ("WindowsAzure/ProxyAgent/Logs/ProxyAgent.log", "log", "Microsoft.CPlat.ProxyAgent.ProxyAgentWindows", None, None, None),
    ("AzureData/provision.complete", "state", None, None, None, None),
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
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


def test_the_agents_configuration_on_flatcar_and_in_quotes(tmp_path: Path):
    disk(tmp_path, "srv/waagent/Pub.Type-1.0/status/0.status")
    conf = tmp_path / "usr/share/oem/waagent.conf"
    conf.parent.mkdir(parents=True)
    conf.write_bytes(b'\xef\xbb\xbfLib.Dir="/srv/waagent/"\r\n')
    assert set(found(tmp_path)) == {"srv/waagent/Pub.Type-1.0/status/0.status"}


@pytest.mark.parametrize("line", ["Lib.Dir=/../../etc", "Lib.Dir=/", "Lib.Dir=relative", "Lib.Dir="])
def test_a_folder_that_can_not_be_meant_is_not_taken(tmp_path: Path, line: str):
    root = disk(tmp_path, "var/lib/waagent/Pub.Type-1.0/status/0.status")
    (root / "etc").mkdir()
    (root / "etc/waagent.conf").write_text(line + "\n")
    assert set(found(root)) == {"var/lib/waagent/Pub.Type-1.0/status/0.status"}


def test_a_folder_with_marks_in_its_name_stands_for_itself(tmp_path: Path):
    root = disk(tmp_path, "srv/wa[1]/Pub.Type-1.0/status/0.status", "srv/wa1/Other.Type-1.0/status/0.status")
    (root / "etc").mkdir()
    (root / "etc/waagent.conf").write_text("Lib.Dir=/srv/wa[1]\n")
    assert set(found(root)) == {"srv/wa[1]/Pub.Type-1.0/status/0.status"}


def test_the_agents_own_folder_is_no_extension(tmp_path: Path):
    root = disk(
        tmp_path,
        "var/lib/waagent/WALinuxAgent-2.15.0.1/HandlerManifest.json",
        "var/lib/waagent/Pub.Type-1.0/HandlerManifest.json",
    )
    assert {source.extension for source in found(root).values()} == {"Pub.Type"}


def test_a_link_to_a_folder_as_the_disks_own_machine_saw_it(tmp_path: Path):
    """The rest of the path has no wildcard in it, so that nothing is listed on the way."""
    root = disk(tmp_path, "data/log/waagent.log", "data/log/plugins/Pub.Type/Extension.log")
    (root / "var").mkdir()
    (root / "var/log").symlink_to("/data/log")
    sources = found(root)
    assert set(sources) == {"var/log/waagent.log", "var/log/plugins/Pub.Type/Extension.log"}
    assert sources["var/log/plugins/Pub.Type/Extension.log"].file == root / "data/log/plugins/Pub.Type/Extension.log"


def test_a_file_that_several_paths_lead_to_counts_once(tmp_path: Path):
    root = disk(tmp_path, f"var/log/azure/{CSE}/handler.log")
    (root / "var/log/azure/custom-script").symlink_to(CSE)
    assert set(found(root)) == {f"var/log/azure/{CSE}/handler.log"}
    other = unfound(root)["var/log/azure/custom-script/handler.log"]
    assert other.outcome == "skipped"
    assert f"var/log/azure/{CSE}/handler.log" in other.note


def test_a_status_file_that_is_being_written_is_said_and_not_read(tmp_path: Path):
    root = disk(tmp_path, *(f"var/lib/waagent/Pub.Type-1.0/status/3.status{end}" for end in ("", ".tmp")))
    assert set(found(root)) == {"var/lib/waagent/Pub.Type-1.0/status/3.status"}
    assert unfound(root)["var/lib/waagent/Pub.Type-1.0/status/3.status.tmp"].outcome == "skipped"


OLD = [f"var/lib/waagent/history/2025-0{month}-30T05-14-02__6/waagent_status.json" for month in (7, 8)]


def test_an_older_summary_does_not_count_beside_the_current_one(tmp_path: Path):
    root = disk(tmp_path, *OLD, "var/lib/waagent/waagent_status.json", "var/lib/waagent/history/2025-06-30.zip")
    sources = found(root)
    assert sources["var/lib/waagent/waagent_status.json"].problem is None
    for path in (*OLD, "var/lib/waagent/history/2025-06-30.zip"):
        assert sources[path].problem == "skipped"
        assert sources[path].note.startswith("history; ")


def test_without_a_current_summary_the_newest_counts(tmp_path: Path):
    sources = found(disk(tmp_path, *OLD, "var/lib/waagent/history/2025-09-30.zip"))
    assert [path for path, source in sources.items() if source.problem is None] == [OLD[1]]


def test_older_summaries_on_windows(tmp_path: Path):
    folder = "WindowsAzure/Logs/AggregateStatus"
    sources = found(disk(tmp_path, f"{folder}/aggregatestatus.json", f"{folder}/aggregatestatus_20260101.json"))
    problems = {path.rpartition("/")[2]: source.problem for path, source in sources.items()}
    assert problems == {"aggregatestatus.json": None, "aggregatestatus_20260101.json": "skipped"}


def test_of_several_versions_the_note_says_which_is_current(tmp_path: Path):
    root = tmp_path
    for version, state in (("1.9", "Enabled"), ("1.10", "Enabled"), ("1.11", "FailedUpgrade")):
        disk(root, f"var/lib/waagent/Pub.Type-{version}/status/0.status")
        disk(root, f"var/lib/waagent/Pub.Type-{version}/config/HandlerState")
        (root / f"var/lib/waagent/Pub.Type-{version}/config/HandlerState").write_text(state)
    disk(root, "var/lib/waagent/Other.Type-1.0/status/0.status")
    notes = {source.path: source.note for source in found(root).values() if source.kind == "status"}
    assert notes["var/lib/waagent/Pub.Type-1.10/status/0.status"] == "current one of 3 versions here"
    for version in ("1.9", "1.11"):
        assert "the current one is 1.10" in notes[f"var/lib/waagent/Pub.Type-{version}/status/0.status"]
    assert notes["var/lib/waagent/Other.Type-1.0/status/0.status"] == ""


@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are UTF-16")
def test_a_name_that_is_no_utf_8_can_be_told(tmp_path: Path):
    folder = disk(tmp_path, "var/log/azure/Pub.Type/extension.log") / "var/log/azure/Pub.Type"
    (folder / os.fsdecode(b"\xff.log")).write_text("x\n")
    source = found(tmp_path)["var/log/azure/Pub.Type/\\xff.log"]
    assert source.path.encode("utf-8")
    assert source.file.read_text() == "x\n"


def test_a_windows_disk_whatever_the_case_of_its_names(tmp_path: Path):
    root = disk(
        tmp_path, "WINDOWSAZURE/LOGS/waappagent.LOG", "windowsazure2/x", "packages/PLUGINS/P.T/1.0/status/0.STATUS"
    )
    assert system_of(root) == "windows"
    assert set(found(root)) == {"WINDOWSAZURE/LOGS/waappagent.LOG", "packages/PLUGINS/P.T/1.0/status/0.STATUS"}


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (r"C:\data\WaAppAgent.log", None),
        (r"\??\c:\DATA\waappagent.LOG", None),
        (r"..\..\data\WaAppAgent.log", None),
        (r"D:\data\WaAppAgent.log", "denied"),
        (r"\\server\share\WaAppAgent.log", "denied"),
        (r"\??\Volume{6f1c}\WaAppAgent.log", "denied"),
    ],
)
def test_a_link_of_windows_leads_where_windows_would_go(tmp_path: Path, target: str, problem: str | None):
    root = disk(tmp_path, "data/WaAppAgent.log")
    (root / "WindowsAzure/Logs").mkdir(parents=True)
    (root / "WindowsAzure/Logs/WaAppAgent.log").symlink_to(target)
    source = found(root)["WindowsAzure/Logs/WaAppAgent.log"]
    assert source.problem == problem
    assert problem is not None or source.file == root / "data/WaAppAgent.log"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setpriv")
def test_what_may_not_be_read_is_denied_and_not_missing(tmp_path: Path):
    root = disk(
        tmp_path, "var/log/waagent.log", f"var/log/azure/{CSE}/handler.log", "var/lib/waagent/P.T-1.0/status/0.status"
    )
    closed = [root / "var/lib/waagent", root / f"var/log/azure/{CSE}"]
    for folder in closed:
        folder.chmod(0)
    try:
        seen = scan_as_nobody(root)
    finally:
        for folder in closed:
            folder.chmod(0o755)
    assert seen["sources"] == {"var/log/waagent.log": None}
    assert seen["unfound"]["var/lib/waagent"] == "denied"
    assert seen["unfound"][f"var/log/azure/{CSE}"] == "denied"
    assert "var/lib/waagent/*/status/*.status" not in seen["unfound"]
    assert seen["unfound"]["var/log/plugins/*/*.log*"] == "missing"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setpriv")
def test_a_folder_that_can_be_listed_but_not_entered(tmp_path: Path):
    root = disk(tmp_path, "var/log/azure/Pub.Type/extension.log")
    folder = root / "var/log/azure/Pub.Type"
    folder.chmod(0o444)
    try:
        seen = scan_as_nobody(root)
    finally:
        folder.chmod(0o755)
    assert seen["sources"] == {"var/log/azure/Pub.Type/extension.log": "denied"}


def scan_as_nobody(root: Path) -> dict[str, dict[str, str | None]]:
    """Scans in a process to which permissions apply, also where the tests run as root."""
    script = (
        "import json, sys; from pathlib import Path; from collector.discover.scan import scan\n"
        "found = scan(Path(sys.argv[1]), 'linux')\n"
        "print(json.dumps({'sources': {s.path: s.problem for s in found.sources},"
        " 'unfound': {e.path: e.outcome for e in found.unfound}}))"
    )
    through = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*through, sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True, timeout=60
    )
    seen: dict[str, dict[str, str | None]] = json.loads(done.stdout)
    return seen


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_named_pipe_in_the_place_of_the_agents_configuration_holds_nothing_up(tmp_path: Path):
    root = disk(tmp_path, "var/log/waagent.log")
    (root / "etc").mkdir()
    os.mkfifo(root / "etc/waagent.conf")
    script = "import sys; from pathlib import Path; from collector.discover.scan import scan; print(len(scan(Path(sys.argv[1]), 'linux').sources))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows Python has no sockets in folders")
def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = disk(tmp_path, "var/log/azure/P.T/extension.log") / "var/log/azure/P.T"
    monkeypatch.chdir(folder)  # the whole path may be longer than a socket's name can be
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.log")
        assert found(tmp_path)["var/log/azure/P.T/s.log"].problem == "not-a-file"
