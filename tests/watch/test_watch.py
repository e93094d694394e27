"""The resident agent as people run it: real processes fail and hang, and it reports them without being asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collecting import vmext
from tests.endpoint.running import Endpoint, endpoint
from tests.received import received
from tests.waiting import until
from tests.watch.agent import Machine, watching

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the handlers of the machine are shell scripts"),
    pytest.mark.slow,
]
CSE = "Microsoft.Azure.Extensions.CustomScript"
SECRET = "sv=2022-11-02&sr=b&sig=Zm9ybHVsYWNlYm8xMjM0NTY3ODkwYWJjZGVmZ2hpamts"


@pytest.fixture()
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "disk")
    made.boot()
    yield made
    made.end()


def sending(served: Endpoint) -> tuple[str, ...]:
    return ("--upload", served.url, "--token-file", str(served.data / "admin.token"))


def test_a_failure_stands_on_the_review_page_without_anyone_asking(machine: Machine, tmp_path: Path):
    with (
        endpoint(tmp_path / "endpoint") as served,
        watching(machine.root, tmp_path / "state", *sending(served)) as agent,
    ):
        machine.fail(sequence=1)
        (row,) = until(lambda: received(served), "the bundle")
        assert row["verdict"] == "failed"
        assert "CustomScript" in served.get("/").text
        until(lambda: "delivered" in agent.printed, "the receipt")
        assert len(agent.noticed()) == 1
        told = json.loads(vmext("status", "--json", "--state-dir", agent.state).out)
        assert told["state"] == "running"
        assert agent.stop() == 0
    assert len(list((tmp_path / "endpoint").rglob("*.zip"))) == 1


def test_the_bundle_says_who_asked_for_it(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        machine.fail()
        until(agent.bundles, "the bundle")
        trigger = agent.bundle()["manifest.json"]["trigger"]
    assert trigger["kind"] == "watch"
    assert "exit status=127" in trigger["text"]


def test_a_hang_is_reported_while_it_hangs(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state", "--hang-seconds", "2") as agent:
        handler = machine.hang(sequence=4)
        until(agent.bundles, "the bundle")
        assert handler.poll() is None
        documents = agent.bundle()
        (finding,) = documents["findings.json"]["findings"]
        assert (finding["kind"], finding["sequence"]) == ("hang", 4)
        processes = documents["system.json"]["facts"]["processes"]
        assert any("web-tier.sh" in one["command"] for one in processes), processes
        assert any(one["state"] == "sleeping" and one["open_files"] for one in processes), processes


def test_a_failure_is_one_incident_and_a_new_run_another(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        machine.fail(sequence=1)
        until(lambda: len(agent.bundles()) == 1, "the first bundle")
        machine.append(
            "var/log/waagent.log", "2026-05-04T10:00:00.000000Z INFO ExtHandler ExtHandler Fetched new vmSettings\n"
        )
        machine.fail(sequence=2)
        until(lambda: len(agent.bundles()) == 2, "the second bundle")
        assert agent.stop() == 0
    assert len(agent.noticed()) == 2


@pytest.mark.parametrize("moment", ["noticed", "reported"])
def test_a_kill_loses_no_incident_and_makes_none_twice(machine: Machine, tmp_path: Path, moment: str):
    with watching(machine.root, tmp_path / "state") as agent:
        machine.fail()
        until(agent.noticed, "the incident")
        if moment == "reported":
            until(lambda: " bundle " in agent.printed, "the report")
        agent.kill()
    with watching(machine.root, tmp_path / "state") as agent:
        until(agent.bundles, "the bundle")
        machine.fail(sequence=1)
        until(lambda: agent.printed.count("FAILED bundle") >= 2 and len(agent.bundles()) >= 2, "the second failure")
        assert agent.stop() == 0
    runs = [agent.bundle(number)["findings.json"]["findings"][0]["sequence"] for number in range(len(agent.bundles()))]
    assert runs == [0, 1]


def test_what_came_while_it_was_down_is_reported_after_its_start(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        assert agent.stop() == 0
    machine.fail()
    with watching(machine.root, tmp_path / "state") as agent:
        until(agent.bundles, "the bundle")


def test_an_endpoint_that_is_away_gets_it_later(machine: Machine, tmp_path: Path):
    data = tmp_path / "endpoint"
    with endpoint(data) as served:
        options = sending(served)
    port = served.url.rpartition(":")[2]
    environ = {"VMEXT_WATCH_LOG_LEVEL": "debug"}
    config = tmp_path / "config.toml"
    config.write_text("deadline_seconds = 1\n")
    with watching(machine.root, tmp_path / "state", "--config", str(config), *options, environ=environ) as agent:
        machine.fail()
        until(lambda: "waits to be sent" in agent.printed, "the failed try")
        assert len(agent.bundles()) == 1
        assert agent.stop() == 0
        with (
            endpoint(data, "--listen", f"127.0.0.1:{port}") as served,
            watching(machine.root, tmp_path / "state", "--config", str(config), *options),
        ):
            until(lambda: received(served), "the bundle")
    assert not agent.bundles()


def test_lines_whose_files_are_gone_come_from_the_ring(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        machine.fail()
        until(agent.bundles, "the bundle")
        until(lambda: any((agent.state / "ring").iterdir()), "the ring")
        shutil.rmtree(machine.root / "var/log/azure" / CSE)
        done = vmext("collect", "--root", machine.root, "--state-dir", agent.state, "--format", "json")
    assert done.json["verdict"] == "failed"
    assert any("ring" in entry["note"] for entry in done.ledger().values()), done.ledger()
    assert any("exit status=127" in text for text in done.texts())


def test_no_secret_lies_in_the_state_folder(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        log = f"var/log/azure/{CSE}/handler.log"
        machine.append(
            log, f"time=2026-05-04T10:00:00Z event=download url=https://a.blob.core.windows.net/x?{SECRET}\n"
        )
        machine.append(
            log,
            f'time=2026-05-04T10:00:00Z event="failed" error="failed to download https://a.blob.core.windows.net/x?{SECRET}"\n',
        )
        machine.fail()
        until(agent.bundles, "the bundle")
        assert agent.stop() == 0
    kept = [file for file in agent.state.rglob("*") if file.is_file() and file.suffix != ".zip"]
    assert len(kept) > 4
    for file in [*kept, agent.output]:
        assert SECRET.rpartition("=")[2].encode() not in file.read_bytes(), file


def test_its_configuration_is_read_again(machine: Machine, tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("[watch]\nhang_seconds = 3600\n")
    with watching(machine.root, tmp_path / "state", "--config", str(config)) as agent:
        machine.hang()
        config.write_text("[watch]\nhang_secs = 1\n")
        agent.process.send_signal(signal.SIGHUP)
        until(lambda: "left as it was" in agent.printed, "the refusal")
        config.write_text('time_zone = "Mars/Base"\n[watch]\nhang_seconds = 3600\n')
        agent.process.send_signal(signal.SIGHUP)
        until(lambda: agent.printed.count("left as it was") == 2, "the refusal of what can't be followed")
        config.write_text('[watch]\nhang_seconds = 1\nlog_level = "error"\n')
        since = json.loads(vmext("status", "--json", "--state-dir", agent.state).out)["status"]["since"]
        agent.process.send_signal(signal.SIGHUP)
        until(agent.noticed, "the hang")
        assert json.loads(vmext("status", "--json", "--state-dir", agent.state).out)["status"]["since"] == since
        own_log = (agent.state / "log" / "vmext.log").read_text()
        assert "was read again" in own_log and "noticed" not in own_log


def test_a_broken_table_of_places_leaves_the_old_ones(machine: Machine, tmp_path: Path):
    config, table = tmp_path / "config.toml", tmp_path / "sources.d" / "acme.toml"
    config.touch()
    table.parent.mkdir()
    row = '[[source]]\nid = "acme"\nglob = "opt/acme/*.log"\nkind = "log"\nextension = "Acme.App"\nsource = "us"\n'
    table.write_text(row)
    machine.append("opt/acme/acme.log", "2026-05-04T10:00:00Z INFO began\n")
    state = tmp_path / "state"

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(vmext("status", "--json", "--state-dir", state).out)["status"]
        return found

    with watching(machine.root, state, "--config", str(config)) as agent:
        table.write_text(row + "globs = 3\n")
        agent.process.send_signal(signal.SIGHUP)
        until(lambda: "left as it was" in agent.printed, "the refusal")
        (warning,) = until(lambda: told()["warnings"], "the warning")
        assert str(table) in warning and "globs" in warning
        assert "left as it was" in (state / "log" / "vmext.log").read_text()
        assert any(one["path"] == "opt/acme/acme.log" for one in told()["followed"])
        machine.fail()
        until(agent.bundles, "the bundle")
        entries = {one["path"]: one for one in agent.bundle()["ledger.json"]["entries"]}
        assert entries[str(table)]["outcome"] == "undecodable" and "globs" in entries[str(table)]["note"]
        table.write_text(row)
        agent.process.send_signal(signal.SIGHUP)
        until(lambda: "was read again" in agent.printed, "the new configuration")
        until(lambda: not told()["warnings"], "the end of the warning")


def test_a_state_folder_that_is_deleted_is_made_anew(machine: Machine, tmp_path: Path):
    state = tmp_path / "state"
    with watching(machine.root, state) as agent:
        machine.fail(sequence=1)
        until(lambda: " bundle " in agent.printed, "the report")
        key = (state / "redaction.key").read_bytes()
        agent.process.send_signal(signal.SIGSTOP)  # so that it writes nothing meanwhile
        shutil.rmtree(state)
        agent.process.send_signal(signal.SIGCONT)
        until(lambda: "is made anew" in agent.printed, "the new folder")
        until(lambda: agent.printed.count(" follows ") == 2, "the look after it")
        second = vmext("watch", "--root", machine.root, "--state-dir", state)
        assert (second.code, (state / "redaction.key").read_bytes()) == (2, key)
        machine.fail(sequence=2)
        until(agent.bundles, "the bundle")
        until(lambda: agent.printed.count(" bundle ") == 2, "the second report")
        assert agent.stop() == 0
    assert len(agent.noticed()) == 2, "what was reported is known by what was put back"
    assert agent.printed.count("is made anew") == 1


def test_another_agent_that_took_the_folder_ends_the_first(machine: Machine, tmp_path: Path):
    state = tmp_path / "state"
    with watching(machine.root, state) as agent:
        agent.process.send_signal(signal.SIGSTOP)
        shutil.rmtree(state)
        with watching(machine.root, state):
            agent.process.send_signal(signal.SIGCONT)
            assert agent.process.wait(60) == 2
    assert "another vmext watch uses" in agent.printed


def test_its_own_log_tells_an_incident_once_and_that_it_stopped(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        machine.fail()
        until(agent.bundles, "the bundle")
        assert agent.stop() == 0
    entries = [json.loads(line)["message"] for line in (agent.state / "log" / "vmext.log").read_text().splitlines()]
    assert len([entry for entry in entries if entry.startswith("noticed: ")]) == 1
    assert entries[-1].endswith(" stopped")
    assert agent.printed.splitlines()[-1].endswith(" stopped")


def test_a_variable_that_stands_for_nothing_is_told(machine: Machine, tmp_path: Path):
    environ = {"VMEXT_WATCH_HANG_SECOND": "1", "VMEXT_TOKEN_FILES": "/secret"}
    with watching(machine.root, tmp_path / "state", environ=environ) as agent:
        own_log = (agent.state / "log" / "vmext.log").read_text()
        told = json.loads(vmext("status", "--json", "--state-dir", agent.state).out)["status"]["warnings"]
        machine.fail()
        until(lambda: " bundle " in agent.printed, "the report")
    for text in (agent.printed, own_log, "\n".join(told)):
        assert "VMEXT_WATCH_HANG_SECOND means nothing; did you mean VMEXT_WATCH_HANG_SECONDS?" in text
        assert "did you mean VMEXT_TOKEN_FILE?" in text
        assert "/secret" not in text


def test_one_agent_for_a_state_folder(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state"):
        second = vmext("watch", "--root", machine.root, "--state-dir", tmp_path / "state")
    assert second.code == 2
    assert "another vmext watch" in second.err


def test_a_state_folder_that_can_not_be_made(machine: Machine, tmp_path: Path):
    (tmp_path / "file").touch()
    done = vmext("watch", "--root", machine.root, "--state-dir", tmp_path / "file" / "state")
    assert done.code == 2
    assert "can't be used" in done.err
    assert "--state-dir" in done.err


def test_polling_sees_the_same(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state", "--poll") as agent:
        assert "polling" in agent.printed
        machine.fail()
        until(agent.bundles, "the bundle")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_takes_nothing_ends_nothing(machine: Machine, tmp_path: Path):
    state = tmp_path / "state"
    command = [sys.executable, "-m", "collector", "watch", "--root", str(machine.root), "--state-dir", str(state)]
    with Path("/dev/full").open("wb") as full, subprocess.Popen(command, stdout=full) as process:
        until((state / "watch" / "status.json").exists, "the first look")
        machine.fail()
        until(lambda: list((state / "spool").glob("*.zip")), "the bundle")
        process.terminate()
    assert process.returncode == 0
    assert "nothing is printed any more" in (state / "log" / "vmext.log").read_text()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts something over /proc, as root")
def test_a_failure_is_noticed_where_there_is_no_proc(machine: Machine, tmp_path: Path):
    """As in a chroot: nothing is known of processes then, the agent's own among them."""
    through = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
    with watching(machine.root, tmp_path / "state", through=through) as agent:
        machine.fail()
        until(agent.bundles, "the bundle")
        assert agent.stop() == 0
    assert "internal error" not in agent.printed
