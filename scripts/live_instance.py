"""A tree on which a guest agent and the Custom Script extension work now, with real processes, as on an instance.

usage: live_instance.py DIR boot            the disk of a healthy instance
       live_instance.py DIR fail [--seq N]  runs a script that fails, as the handler would
       live_instance.py DIR hang [--seq N]  runs a script that waits for an answer no one gives; ends with this process
"""

from __future__ import annotations

import argparse
import json
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from make_incident import AMA, CSE, _cloud_init, _environment, _monitor_status, _ready, _shared_config, put

HOME = f"var/lib/waagent/{CSE}-2.1.19"
FAILING = "echo '== web tier: installing nginx'\nnginx-setup --from https://packages.contoso.example/web.tgz\n"
HANGING = "echo 'Configuring the web tier'\nread -p 'Accept the licence? [y/n] ' answer\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("act", choices=["boot", "fail", "hang"])
    parser.add_argument("--seq", type=int, default=0)
    options = parser.parse_args()
    if options.act == "boot":
        boot(options.folder)
    else:
        enable(options.folder, options.seq, FAILING if options.act == "fail" else HANGING)


def boot(root: Path) -> None:
    put(root, "etc/hostname", "vmssweb00000d\n")
    put(root, "etc/timezone", "Etc/UTC\n")
    put(root, "etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n')
    put(root, "run/cloud-init/instance-data.json", _cloud_init_of("13", "vmssweb00000d"))
    put(root, "var/lib/waagent/SharedConfig.xml", _shared_config().replace("_12", "_13"))
    agent(root, "ExtHandler", "Azure Linux Agent (Goal State Agent version 2.15.0.1)")
    agent(root, "ExtHandler", "WALinuxAgent-2.15.0.1 running as process 742")
    for extension, version in ((CSE, "2.1.19"), (AMA, "1.35.1")):
        home = f"var/lib/waagent/{extension}-{version}"
        put(root, f"{home}/config/HandlerState", "Enabled")
        put(root, f"{home}/config/HandlerStatus", _ready(extension, version))
        put(root, f"{home}/HandlerEnvironment.json", _environment(extension, version))
    put(root, f"var/lib/waagent/{AMA}-1.35.1/status/0.status", _monitor_status(whole()))
    put(root, f"var/log/azure/{CSE}/handler.log", "")


def _cloud_init_of(instance: str, computer: str) -> str:
    told = json.dumps(_cloud_init())
    for before, after in (
        ("_12", f"_{instance}"),
        ("Machines/12", f"Machines/{instance}"),
        ("vmssweb00000c", computer),
    ):
        told = told.replace(before, after)
    return told


def enable(root: Path, sequence: int, script: str) -> None:
    """What the agent and the handler's two processes do for one goal state."""
    agent(root, f"[{CSE}-2.1.19]", f"Update settings file: {sequence}.settings")
    settings = {"runtimeSettings": [{"handlerSettings": {"publicSettings": {"commandToExecute": "./web-tier.sh"}}}]}
    put(root, f"{HOME}/config/{sequence}.settings", json.dumps(settings))
    agent(root, f"[{CSE}-2.1.19]", "Enable extension: [bin/custom-script-shim enable]")
    status(root, sequence, "transitioning", "Enable in progress")
    output = f"/var/lib/waagent/custom-script/download/{sequence}"
    folder = root / output.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    handler(root, sequence, "event=start")
    handler(root, sequence, f'event="executing command" output={output}')
    (folder / "web-tier.sh").write_text(script)
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        code = subprocess.run(
            ["/bin/bash", str(folder / "web-tier.sh")],
            cwd=folder,
            stdin=_no_answer(),
            stdout=stdout,
            stderr=stderr,
            check=False,
        ).returncode
    failed = f"failed to execute command: command terminated with exit status={code}"
    handler(root, sequence, f'event="failed to execute command" error=null output={output}')
    handler(root, sequence, 'event="enable failed"')
    handler(root, sequence, f'event="failed to handle" error="{failed}"')
    told = (folder / "stderr").read_text()
    status(root, sequence, "error", f"{failed}\n[stdout]\n{(folder / 'stdout').read_text()}\n[stderr]\n{told}")
    agent(root, "ExtHandler", f"Extension status: [('{CSE}', 'error'), ('{AMA}', 'success')]")


def _no_answer() -> int | None:
    """An end of a pipe into which nothing is ever written; the other end stays open with this process."""
    import os

    reading, _ = os.pipe()
    return reading


def agent(root: Path, who: str, text: str) -> None:
    append(root / "var/log/waagent.log", f"{stamp()} INFO ExtHandler {who} {text}\n")


def handler(root: Path, sequence: int, text: str) -> None:
    line = f"time={whole()} version=v2.1.19/git@56a1e6f-clean operation=enable seq={sequence} {text}\n"
    append(root / f"var/log/azure/{CSE}/handler.log", line)


def status(root: Path, sequence: int, word: str, message: str) -> None:
    told = {"operation": "Enable", "status": word, "formattedMessage": {"lang": "en", "message": message}}
    file = root / HOME / "status" / f"{sequence}.status"
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".status.tmp")
    temporary.write_text(json.dumps([{"version": 1, "timestampUTC": whole(), "status": told}], indent="\t"))
    temporary.replace(file)


def append(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as stream:
        stream.write(line)


def stamp() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def whole() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()
