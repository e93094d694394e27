"""What the agent tells of itself, and what ``vmext status`` makes of it, in every state in which it can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from collector.cli import main
from collector.cli.status_text import MAKING, lines
from collector.config import ENVIRONMENT
from collector.model import RedactedText
from collector.redact.redactor import Redactor
from collector.watch.standing import standing
from collector.watch.status import Followed, OwnUse, SpoolState, Status, StatusFile, Told, read_status
from collector.watch.telling import as_it_is_now, told_before

NOW = datetime(2026, 11, 26, 10, 0, 0, tzinfo=timezone.utc)
SECRET = "AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zg=="

STATUS = Status(
    version="0.1.0",
    pid=4711,
    process_started=1_790_000_000.0,
    since=NOW - timedelta(hours=3),
    config_file="/etc/vmext/config.toml",
    root="/",
    mode="native",
    followed=(
        Followed("var/log/waagent.log", 5_000, 5_000, 0),
        Followed("var/log/azure/custom-script/handler.log", 9_000, 1_000, 8_000, "permission denied"),
    ),
    spool=SpoolState(2, 123_456, NOW - timedelta(minutes=9), "connection refused"),
    incidents=(
        Told(NOW - timedelta(minutes=5), "CustomScript failed: exit 100", "247252e2eafad389", NOW),
        Told(NOW - timedelta(minutes=50), f"CustomScript failed: {SECRET}", None, None, "no space left"),
    ),
    use=OwnUse(12.34, 4.5, 0.12, 38_000_000, 40, 3, 120),
    warnings=("the limit of inotify watches is reached",),
    scheduled_events="yes",
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)


def status_file(state: Path) -> StatusFile:
    return StatusFile(state, Redactor(b"0" * 32))


HOLD = """
import sys
from pathlib import Path
from collector.deliver.lock import held
with held(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def running(state: Path) -> Iterator[None]:
    """Another process that holds the lock, as the agent does."""
    (state / "watch").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", HOLD, str(state / "watch" / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        try:
            yield
        finally:
            process.stdin.close()
            process.wait(60)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["status", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


# ---- the file -------------------------------------------------------------------------------------------


def test_what_is_written_is_what_is_read(tmp_path: Path):
    assert status_file(tmp_path).write(STATUS, 0.0, NOW)
    document = read_status(tmp_path)
    assert document is not None
    assert (document["schema"], document["written"], document["pid"]) == (1, "2026-11-26T10:00:00Z", 4711)
    assert document["totals"] == {"followed": 2, "lag": 8_000}
    assert document["incidents"][0]["delivered"] == "2026-11-26T10:00:00Z"
    assert document["use"]["open_files"] == 40


def test_secrets_are_redacted(tmp_path: Path):
    status_file(tmp_path).write(STATUS, 0.0, NOW)
    assert "Zm9vYmFy" not in (tmp_path / "watch" / "status.json").read_text()


def test_it_is_written_when_something_changed_and_else_rarely(tmp_path: Path):
    file = status_file(tmp_path)
    written = []
    status = STATUS
    for second in range(100):
        if second in (50, 51, 52):
            status = replace(status, followed=(Followed("a.log", second, second, 0),))
        use = OwnUse(cpu_seconds=second)  # changes always, and is no reason
        if file.write(replace(status, use=use), float(second), NOW):
            written.append(second)
    assert written == [0, 30, 50, 55, 85]
    assert file.write(status, 99.5, NOW, at_once=True)


def test_what_has_not_changed_is_written_as_it_was_and_the_rest_anew(tmp_path: Path):
    """Cleaning a thousand paths again and again would cost more than all else that an idle agent does."""
    redactor = Redactor(b"0" * 32)
    cleaned: list[object] = []

    class Counting(Redactor):
        def dumped(self, value: object, dump: Callable[[Any], str]) -> RedactedText:
            cleaned.append(value)
            return redactor.dumped(value, dump)

    file = StatusFile(tmp_path, Counting(b"0" * 32))
    assert file.write(STATUS, 0.0, NOW)
    later = NOW + timedelta(seconds=40)
    assert file.write(replace(STATUS, use=OwnUse(cpu_seconds=7.5)), 40.0, later)
    document = read_status(tmp_path)
    assert document is not None
    assert (document["written"], document["use"]["cpu_seconds"]) == ("2026-11-26T10:00:40Z", 7.5)
    assert document["totals"] == {"followed": 2, "lag": 8_000}
    assert len([one for one in cleaned if isinstance(one, dict) and "followed" in one]) == 1


def test_a_disk_that_takes_nothing_never_raises(tmp_path: Path):
    (tmp_path / "watch").write_text("in the way")
    assert not status_file(tmp_path).write(STATUS, 0.0, NOW)


def test_nothing_half_is_left(tmp_path: Path):
    file = status_file(tmp_path)
    for second in range(0, 100, 10):
        file.write(replace(STATUS, pid=second), float(second), NOW)
    assert [one.name for one in (tmp_path / "watch").iterdir()] == ["status.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_only_its_owner_may_read_it(tmp_path: Path):
    status_file(tmp_path).write(STATUS, 0.0, NOW)
    assert (tmp_path / "watch" / "status.json").stat().st_mode & 0o777 == 0o600


def test_of_very_many_streams_those_are_told_that_lag(tmp_path: Path):
    many = tuple(Followed(f"{number}.log", 10, 10, 1 if number == 4_000 else 0) for number in range(5_000))
    status_file(tmp_path).write(replace(STATUS, followed=many), 0.0, NOW)
    document = read_status(tmp_path)
    assert document is not None
    assert len(document["followed"]) == 1_000 and document["totals"]["followed"] == 5_000
    assert document["followed"][0]["path"] == "4000.log"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 2, "pid": 1}', b'{"schema": 1}', b"[" * 100_000])
def test_a_broken_or_newer_file_counts_as_none(tmp_path: Path, content: bytes):
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "status.json").write_bytes(content)
    assert read_status(tmp_path) is None
    assert standing(tmp_path, NOW).state == "not running"


# ---- the command ----------------------------------------------------------------------------------------


def test_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status_file(tmp_path).write(STATUS, 0.0, datetime.now(timezone.utc))
    with running(tmp_path):
        code, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert code == 0
    first, *rest = out.splitlines()
    assert first == "vmext watch 0.1.0 is running (pid 4711) since 2026-11-26 07:00:00Z"
    text = "\n".join(rest)
    for part in (
        "2 logs below /, woken by the system; 8 KB behind",
        "handler.log: 8 KB behind; permission denied",
        "2 bundles wait, 123 KB, the oldest of 2026-11-26 09:51:00Z",
        "last error: connection refused",
        "2026-11-26 09:55:00Z CustomScript failed: exit 100",
        "bundle 247252e2eafad389 delivered 2026-11-26 10:00:00Z",
        "no bundle: no space left",
        "CPU 0.12 % of a core since the start (12.3 s, 4.5 s for collecting and sending)",
        "memory 38 MB, 40 open files, 120 watches",
        "scheduled events: asked",
        "the limit of inotify watches is reached",
    ):
        assert part in text
    assert len(rest) < 24 and all(len(line) <= 120 for line in rest)


def test_not_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert code == 14
    assert out == f"vmext watch is not running; nothing in {tmp_path} tells that it ever did\n"


def test_no_longer_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status_file(tmp_path).write(STATUS, 0.0, datetime.now(timezone.utc) - timedelta(hours=3))
    with running(tmp_path):
        pass
    code, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert code == 14
    assert out.startswith("vmext watch 0.1.0 is not running; what it told last, 3 h ago, stands below\n")


def test_running_and_hanging(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status_file(tmp_path).write(STATUS, 0.0, datetime.now(timezone.utc) - timedelta(minutes=9))
    with running(tmp_path):
        code, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert code == 14
    assert out.startswith("vmext watch 0.1.0 hangs: the process is there (pid 4711), but has told nothing for 9 min\n")


def test_starting(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with running(tmp_path):
        code, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert (code, out) == (0, "vmext watch is running and just starting; it has told nothing yet\n")


def test_a_clock_that_was_set_back_is_no_hang(tmp_path: Path):
    status_file(tmp_path).write(STATUS, 0.0, NOW)
    with running(tmp_path):
        assert standing(tmp_path, NOW - timedelta(days=400)).state == "running"


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status_file(tmp_path).write(STATUS, 0.0, datetime.now(timezone.utc))
    with running(tmp_path):
        code, out, _ = told(capsys, "--json", "--state-dir", str(tmp_path))
    document = json.loads(out)
    assert (code, document["state"], document["status"]["pid"]) == (0, "running", 4711)
    assert 0 <= document["age_seconds"] < 100
    code, out, _ = told(capsys, "--json", "--state-dir", str(tmp_path / "none"))
    assert (code, json.loads(out)["state"], json.loads(out)["status"]) == (14, "not running", None)


def test_the_state_folder_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text(f"state_dir = {json.dumps(str(tmp_path / 'state'))}\nspool_days = 0\n")
    status_file(tmp_path / "state").write(STATUS, 0.0, datetime.now(timezone.utc))
    with running(tmp_path / "state"):
        code, out, _ = told(capsys, "--config", str(file))
    assert code == 0 and "is running" in out


def test_nothing_that_stands_in_the_file_steers_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad = replace(STATUS, root="\x1b[31m", warnings=("\x1b]0;title\x07",), config_file="a\rb")
    status_file(tmp_path).write(bad, 0.0, datetime.now(timezone.utc))
    with running(tmp_path):
        _, out, _ = told(capsys, "--state-dir", str(tmp_path))
    assert all(sign.isprintable() or sign == "\n" for sign in out)


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [None], {"a": None}, True])
def test_no_value_in_the_file_breaks_the_screen(tmp_path: Path, value: object):
    status_file(tmp_path).write(STATUS, 0.0, NOW)
    document = dict(read_status(tmp_path) or {})
    for name in document:
        (tmp_path / "watch" / "status.json").write_text(json.dumps(document | {name: value}))
        assert list(lines(standing(tmp_path, NOW)))
    for outer in ("spool", "use", "totals"):
        for name in document[outer]:
            broken = document | {outer: document[outer] | {name: value}}
            (tmp_path / "watch" / "status.json").write_text(json.dumps(broken))
            assert list(lines(standing(tmp_path, NOW)))
    for outer in ("followed", "incidents"):
        for name in document[outer][1]:
            broken = document | {outer: [document[outer][1] | {name: value}]}
            (tmp_path / "watch" / "status.json").write_text(json.dumps(broken))
            assert list(lines(standing(tmp_path, NOW)))


# ---- another user ---------------------------------------------------------------------------------------

AS_NOBODY = """
import contextlib, io, os, sys
from collector.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # Python may lie in /root:
    for words in (["--state-dir", "/nowhere"], ["--json"], ["--nothing"]):  # what is needed is loaded before
        main(["status", *words])
os.environ["HOME"] = "/nowhere"
os.setgid(65534)
os.setuid(65534)
sys.exit(main(["status", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(
    ("flags", "code", "words"), [([], 2, "may not be read by this user"), (["--json"], 2, "unknown")]
)
def test_a_user_who_may_not_look_is_told_so(flags: list[str], code: int, words: str):
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        state = Path(place) / "state"
        state.mkdir(mode=0o700)
        status_file(state).write(STATUS, 0.0, datetime.now(timezone.utc))
        with running(state):
            done = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, *flags, "--state-dir", str(state)],
                capture_output=True,
                text=True,
                timeout=60,
            )
    assert done.returncode == code
    assert words in done.stdout + done.stderr
    assert "4711" not in done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becomes another user")
def test_where_the_user_has_no_agent_the_services_is_looked_at():
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        state = Path(place) / "state"
        state.mkdir(mode=0o700)
        script = (
            f"from pathlib import Path\nfrom collector.platforms.linux import LinuxHost\n"
            f"LinuxHost.service_state_dir = lambda self: Path({str(state)!r})\n{AS_NOBODY}"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"the state folder {state} may not be read by this user" in done.stderr


# ---- incidents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "incident, line",
    [
        (Told(NOW, "t", problem=MAKING), MAKING),
        (Told(NOW, "t", "247252e2eafad389"), "bundle 247252e2eafad389 waits in the spool"),
        (Told(NOW, "t", "247252e2eafad389", None, "no route"), "bundle 247252e2eafad389 waits in the spool: no route"),
        (Told(NOW, "t", problem="no space left"), "no bundle: no space left"),
    ],
)
def test_what_came_of_an_incident(tmp_path: Path, incident: Told, line: str):
    status_file(tmp_path).write(replace(STATUS, incidents=(incident,)), 0.0, NOW)
    assert f"            {line}" in list(lines(standing(tmp_path, NOW)))


def test_incidents_from_before_a_restart_are_told_and_those_sent_since_are_delivered(tmp_path: Path):
    waits, sent, none = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", None
    incidents = tuple(Told(NOW, f"of {bundle}", bundle, None, "no route") for bundle in (waits, sent, none))
    status_file(tmp_path).write(replace(STATUS, incidents=incidents), 0.0, NOW)
    (tmp_path / "spool" / "sent").mkdir(parents=True)
    (tmp_path / "spool" / f"{waits}.zip").write_bytes(b"")
    (tmp_path / "spool" / "sent" / f"{sent}.json").write_text('{"received": "2026-11-26T10:00:01Z"}')
    before = told_before(read_status(tmp_path))
    assert [as_it_is_now(one, tmp_path / "spool") for one in before] == [
        Told(NOW, f"of {waits}", waits, None, "no route"),
        Told(NOW, f"of {sent}", sent, NOW + timedelta(seconds=1)),
    ]


@pytest.mark.parametrize("document", [None, {}, {"incidents": 7}, {"incidents": [None, {}, {"time": 7}]}])
def test_a_status_file_that_tells_of_no_incidents(document: dict[str, object] | None):
    assert list(told_before(document)) == []
