"""Disks of instances for the benchmarks. The agent's log lies in them as a hard link to the file that is kept."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from tests.bench.logs import END, MB, Errors, kept, pieces
from tests.bench.messages import AMA, CSE, EXTENSIONS, guid

AGENT_LOG = "var/log/waagent.log"
#: Where the one failure of `instance` shows, and the line that tells its reason.
FAILED_SEQUENCE = 3
FAILING_LINE = "E: Unable to locate package contoso-telemetryd"
FAILED = f"{CSE}-{EXTENSIONS[CSE]}"

_SYSTEM_LOG_DAYS = 7
_SMALL_EXTENSIONS = 50


def with_agent_log(data: Path, name: str, log: Path, at: str = AGENT_LOG) -> Path:
    """A disk that holds only this log; `at` is its place."""
    disk = _fresh(data, name)
    place = disk / at
    place.parent.mkdir(parents=True)
    try:
        os.link(log, place)
    except OSError:  # a file system without hard links
        shutil.copyfile(log, place)
    return disk


def many_small_files(data: Path, files: int) -> Path:
    """A disk on which extensions left thousands of logs and status files."""

    def write(disk: Path) -> None:
        for number in range(files // 2):
            name = f"Contoso.Agents.Probe{number % _SMALL_EXTENSIONS:02d}"
            sequence = number // _SMALL_EXTENSIONS
            when = END - timedelta(minutes=number % 10_000)
            text = "".join(f"{_iso(when + timedelta(seconds=it))} INFO probe {it} answered\n" for it in range(8))
            put(disk, f"var/log/azure/{name}/run-{sequence}.log", text)
            put(
                disk,
                f"var/lib/waagent/{name}-1.0.2/status/{sequence}.status",
                _status("success", when, "Probes are up"),
            )

    return kept(data, f"small-files-{files}", "", {"source": _own_text()}, write)


def instance(data: Path) -> Path:
    """The tree of an instance, 135 MB, on which one Custom Script failed a moment ago and all else is well."""

    def write(disk: Path) -> None:
        _agent_logs(disk)
        _extensions(disk)
        _failure(disk)
        _system_logs(disk)

    return kept(data, "instance", "", {"source": _own_text()}, write)


def put(disk: Path, path: str, content: str | bytes) -> Path:
    file = disk / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def _fresh(data: Path, name: str) -> Path:
    disk = data / "disks" / name
    shutil.rmtree(disk, ignore_errors=True)
    (disk / "etc").mkdir(parents=True)
    return disk


def _own_text() -> str:
    return Path(__file__).read_text(encoding="utf-8")


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _whole(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(state: str, when: datetime, message: str) -> str:
    status = {
        "name": "Enable",
        "operation": "Enable",
        "status": state,
        "formattedMessage": {"lang": "en", "message": message},
    }
    return json.dumps([{"version": 1, "timestampUTC": _whole(when), "status": status}])


def _settings(chance: Random) -> str:
    settings = {"publicSettings": {"workspace": guid(chance)}, "protectedSettings": None}
    return json.dumps({"runtimeSettings": [{"handlerSettings": settings}]})


# ---- the guest agent and its extensions -------------------------------------------------------------------------


def _agent_logs(disk: Path) -> None:
    """The agent's log, the last one, and older ones that were packed; a day lies between their ends."""
    for place, (name, size) in enumerate([("", 20), (".1", 20), (".2.gz", 20), (".3.gz", 20)]):
        text = _log_text(size * MB, "none", seed=10 + place, end=END - timedelta(days=2 * place))
        file = put(disk, AGENT_LOG + name, gzip.compress(text, 6, mtime=0) if name.endswith(".gz") else text)
        _dated(file, END - timedelta(days=2 * place))
    chance = Random(5)
    put(disk, "var/lib/waagent/SharedConfig.xml", '<SharedConfig version="1.0.0.0" goalStateIncarnation="7"/>\n')
    put(disk, "var/lib/waagent/Incarnation", "7")
    for number in range(1, 8):
        goal = f"<GoalState><Incarnation>{number}</Incarnation><Id>{guid(chance)}</Id></GoalState>\n"
        put(disk, f"var/lib/waagent/GoalState.{number}.xml", goal)


def _log_text(size: int, errors: Errors, *, seed: int, end: datetime) -> bytes:
    return b"".join(pieces(size, errors, seed=seed, end=end))


def _extensions(disk: Path) -> None:
    """Their own logs, 4 MB each, and their state; the failed one's state is written by `_failure`."""
    put(disk, "etc/hostname", "vmssweb00000c\n")
    put(disk, "etc/timezone", "Etc/UTC\n")
    put(disk, "etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n')
    for number, (name, version) in enumerate(EXTENSIONS.items()):
        chance = Random(number)
        home, logs = f"var/lib/waagent/{name}-{version}", f"var/log/azure/{name}"
        first = END - timedelta(days=20)
        put(disk, f"{logs}/extension.log", "".join(_extension_log(chance, name, version, first, MB)))
        put(disk, f"{logs}/handler.log", "".join(_handler_log(chance, version, first, 2 * MB)))
        put(disk, f"{logs}/CommandExecution.log", "".join(_commands(chance, f"{name}-{version}", first, MB)))
        put(disk, f"{home}/config/HandlerState", "Enabled")
        put(disk, f"{home}/config/0.settings", _settings(chance))
        ready = {"name": name, "version": version, "status": "Ready", "code": 0, "message": "Plugin enabled"}
        put(disk, f"{home}/config/HandlerStatus", json.dumps(ready))
        put(disk, f"{home}/status/0.status", _status("success", first, "Enable succeeded"))


def _extension_log(chance: Random, name: str, version: str, first: datetime, size: int) -> Iterator[str]:
    whats = ["Current sequence number, 0, is not greater than the LKG", "cwd is /var/lib/waagent", "Enable,success,0"]
    for when in _times(first, size // 110):
        stamp = when.strftime("%Y/%m/%d %H:%M:%S")
        yield f"{stamp} [{name}-{version}] {chance.choice(whats)}, pid {chance.randrange(9999)}\n"


def _handler_log(chance: Random, version: str, first: datetime, size: int) -> Iterator[str]:
    events = ["start", "pre-check", '"comparing seqnum" path=mrseq', '"seqnum saved"', "enabled", "end"]
    for number, when in enumerate(_times(first, size // 130)):
        told = f"event={events[number % len(events)]} pid={chance.randrange(9999)}"
        yield f"time={_whole(when)} version=v{version}/git@56a1e6f-clean operation=enable seq=0 {told}\n"


def _commands(chance: Random, full: str, first: datetime, size: int) -> Iterator[str]:
    for when in _times(first, size // 240):
        told = f"Executing command: /var/lib/waagent/{full}/bin/shim enable with environment variables: "
        yield f'{_iso(when)} INFO ExtHandler [{full}] {told}{{"ConfigSequenceNumber": "0", "n": {chance.randrange(9999)}}}\n'


def _times(first: datetime, count: int) -> Iterator[datetime]:
    """So many times from `first` to an hour before the end."""
    step = (END - timedelta(hours=1) - first) / count
    return (first + number * step for number in range(count))


def _failure(disk: Path) -> None:
    """The end of every log that tells of the failure, the status file and the script's own output."""
    at = [END + timedelta(seconds=second) for second in range(20)]
    home, sequence = f"var/lib/waagent/{FAILED}", FAILED_SEQUENCE
    failed = "failed to execute command: command terminated with exit status=100"
    output = f"output=/var/lib/waagent/custom-script/download/{sequence}"
    handler = [
        (1, "event=start"),
        (2, f'event="executing command" {output}'),
        (9, f'event="failed to execute command" error="{failed}" {output}'),
        (9, f'event="failed to handle" error="{failed}"'),
    ]
    head = f"version=v{EXTENSIONS[CSE]}/git@56a1e6f-clean operation=enable seq={sequence}"
    _append(
        disk,
        f"var/log/azure/{CSE}/handler.log",
        [f"time={_whole(at[second])} {head} {told}" for second, told in handler],
    )
    enable = f"{_iso(at[0])} INFO ExtHandler [{FAILED}] Enable extension: [bin/custom-script-shim enable]"
    _append(disk, f"var/log/azure/{CSE}/CommandExecution.log", [enable])
    states = f"[('{CSE}', 'error'), ('{AMA}', 'success')]"
    told = "All extensions in the goal state have reached a terminal state"
    _append(disk, AGENT_LOG, [enable, f"{_iso(at[11])} INFO ExtHandler ExtHandler {told}: {states}"])
    put(disk, f"{home}/config/{sequence}.settings", _settings(Random(0)))
    put(disk, f"{home}/status/{sequence}.status", _status("error", at[9], f"{failed}\n[stderr]\n{FAILING_LINE}\n"))
    download = f"var/lib/waagent/custom-script/download/{sequence}"
    put(disk, f"{download}/stdout", "Reading package lists...\nBuilding dependency tree...\n")
    put(disk, f"{download}/stderr", f"{FAILING_LINE}\n")


def _append(disk: Path, path: str, lines: list[str]) -> None:
    with (disk / path).open("ab") as file:
        file.write("".join(line + "\n" for line in lines).encode())


# ---- what else lies in var/log ----------------------------------------------------------------------------------


def _system_logs(disk: Path) -> None:
    for name, size in [
        ("syslog", 20),
        ("syslog.1", 20),
        ("syslog.2.gz", 15),
        ("syslog.3.gz", 15),
        ("auth.log", 6),
        ("auth.log.1", 6),
        ("messages", 6),
        ("kern.log", 4),
        ("dmesg", 0.2),
        ("dmesg.0", 0.2),
        ("dpkg.log", 1),
    ]:
        text = "".join(_syslog(Random(name), int(size * MB))).encode()
        put(disk, f"var/log/{name}", gzip.compress(text, 6, mtime=0) if name.endswith(".gz") else text)
    put(disk, "var/log/cloud-init.log", "".join(_cloud_init(Random(3), 3 * MB // 2)))
    put(disk, "var/log/cloud-init-output.log", "".join(_cloud_init_output(Random(4), 3 * MB // 10)))
    journal = f"var/log/journal/{Random(7).getrandbits(128):032x}/system.journal"
    put(disk, journal, b"LPKSHHRH" + bytes(4 * MB) + Random(8).randbytes(2 * MB))


def _syslog(chance: Random, size: int) -> Iterator[str]:
    """Lines of the form that rsyslog writes."""
    programs = [
        "systemd[1]: Started Session {a} of user azureuser.",
        "systemd[1]: apt-daily.service: Deactivated successfully.",
        "kernel: [{a}.{b}] hv_netvsc 000d3a-{b} eth0: Data path switched to VF: enP{a}s1",
        "CRON[{a}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly # {b})",
        "sshd[{a}]: Failed password for invalid user admin from 10.4.1.{c} port {b} ssh2",
        "sshd[{a}]: Connection closed by authenticating user root 10.4.1.{c} port {b} [preauth]",
        'rsyslogd: [origin software="rsyslogd" swVersion="8.2112.0" x-pid="{a}"] rsyslogd was HUPed',
        "chronyd[{a}]: Selected source PHC0 (offset {b} ns)",
        "python3[{a}]: {stamp} INFO ExtHandler ExtHandler [HEARTBEAT] Agent is running, counter {b}",
    ]
    written = 0
    seconds = _SYSTEM_LOG_DAYS * 86_400 / max(1, size // 100)
    when = END - timedelta(days=_SYSTEM_LOG_DAYS)
    while written < size:
        when += timedelta(seconds=seconds)
        told = chance.choice(programs).format(
            a=chance.randrange(100, 99_999), b=chance.randrange(1000, 65_000), c=chance.randrange(256), stamp=_iso(when)
        )
        line = f"{when:%b %d %H:%M:%S} vmssweb00000c {told}\n"
        written += len(line)
        yield line


def _cloud_init(chance: Random, size: int) -> Iterator[str]:
    """What cloud-init tells of itself, at each start of the instance."""
    told = [
        "util.py[DEBUG]: Reading from /var/lib/cloud/data/status.json (quiet=False)",
        "subp.py[DEBUG]: Running command ['blkid', '-c', '/dev/null', '-o', 'export'] with allowed return codes [0] (shell=False)",
        "handlers.py[DEBUG]: start: azure-ds/get_metadata_from_imds: fetching metadata",
        "url_helper.py[DEBUG]: Read from http://169.254.169.254/metadata/instance (200, {n}b) after 1 attempts",
        "stages.py[INFO]: Loaded datasource DataSourceAzure - DataSourceAzure [seed=/dev/sr0]",
    ]
    for when in _times(END - timedelta(days=20), size // 130):
        yield f"{when:%Y-%m-%d %H:%M:%S},{chance.randrange(1000):03d} - {chance.choice(told).format(n=chance.randrange(4000))}\n"


def _cloud_init_output(chance: Random, size: int) -> Iterator[str]:
    """What the programs printed that cloud-init ran; few of its lines have a time."""
    told = [
        "Get:{n} http://azure.archive.ubuntu.com/ubuntu jammy/main amd64 libfoo{n} amd64 1.2-{n} [{n} kB]",
        "Selecting previously unselected package libfoo{n}.",
        "Preparing to unpack .../{n}-libfoo_1.2-{n}_amd64.deb ...",
        "Unpacking libfoo{n} (1.2-{n}) ...",
        "Setting up libfoo{n} (1.2-{n}) ...",
        "Processing triggers for libc-bin (2.35-0ubuntu3.{n}) ...",
    ]
    for _ in range(size // 62):
        yield chance.choice(told).format(n=chance.randrange(4000)) + "\n"


def _dated(file: Path, when: datetime) -> None:
    os.utime(file, (when.timestamp(), when.timestamp()))
