"""The demo: an endpoint on loopback, two incident disks, this machine, and an instance that is watched while it fails."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "demo"
VMEXT = [sys.executable, "-m", "collector"]
#: Exit codes of a collect that did its work: healthy, failure, hang, no sources.
WORKED = {0, 10, 11, 12}
#: What the resident agent is waited for.
LONGEST_SECONDS = 60.0


def main() -> int:
    options = _options()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    signal.signal(signal.SIGTERM, _stop)
    log = (DEMO / "endpoint.log").open("w")
    endpoint = subprocess.Popen(
        [*VMEXT, "endpoint", "--data", str(DEMO / "endpoint"), "--listen", f"127.0.0.1:{options.port}"],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        url = _address(endpoint)
        wrong = sum(not _collect(title, arguments, url) for title, arguments in _runs())
        wrong += not _watch(url)
        print(f"\nReview page:  {url}/\nToken:        {(DEMO / 'endpoint' / 'admin.token').read_text().strip()}")
        print(f"              (it lies in {DEMO / 'endpoint' / 'admin.token'})")
        if not options.once:
            print("\nThe endpoint stays up until Ctrl-C.", flush=True)
            endpoint.wait()
        return 1 if wrong else 0
    except KeyboardInterrupt:
        return 0
    finally:
        endpoint.terminate()
        try:
            endpoint.wait(timeout=15)
        except subprocess.TimeoutExpired:
            endpoint.kill()
        log.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after printing")
    parser.add_argument("--port", type=int, default=0, help="port of the endpoint; by default a free one")
    return parser.parse_args()


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _address(endpoint: subprocess.Popen[str]) -> str:
    """The address from the endpoint's ready line."""
    assert endpoint.stdout is not None
    line = endpoint.stdout.readline()
    if " ready on " not in line:
        raise SystemExit(f"The endpoint did not start; see {DEMO / 'endpoint.log'}.")
    return line.split(" ready on ", 1)[1].split(" ", 1)[0]


def _runs() -> list[tuple[str, list[str]]]:
    runs = []
    for kind, title in (
        ("linux", "A Linux scale-set instance whose Custom Script failed"),
        ("windows", "A Windows instance whose extension install hung"),
    ):
        disk = DEMO / kind
        subprocess.run([sys.executable, str(HERE / "make_incident.py"), kind, str(disk)], check=True)
        runs.append((title, ["--root", str(disk)]))
    return [*runs, ("This machine itself", [])]


def _watch(url: str) -> bool:
    """An extension fails, then another run hangs, while the resident agent runs; whether both were reported."""
    print("\n---- An instance with the resident agent: nobody asks, and it reports " + "-" * 26 + "\n", flush=True)
    disk, live = DEMO / "live", [sys.executable, str(HERE / "live_instance.py"), str(DEMO / "live")]
    subprocess.run([*live, "boot"], check=True)
    output = DEMO / "watch.txt"
    token = ["--token-file", str(DEMO / "endpoint" / "admin.token"), "--state-dir", str(DEMO / "watch-state")]
    with output.open("w") as stream:
        agent = subprocess.Popen(
            [*VMEXT, "watch", "--root", str(disk), "--upload", url, *token, "--hang-seconds", "5"], stdout=stream
        )
    hanging = None
    try:
        worked = _prints(output, " follows ")
        subprocess.run([*live, "fail", "--seq", "1"], check=True)
        worked = worked and _prints(output, "FAILED bundle", "A script failed")
        hanging = subprocess.Popen([*live, "hang", "--seq", "2"], start_new_session=True)
        worked = worked and _prints(output, "HANGING bundle", "A script began that hangs")
        print(f"\nWhat the agent printed:\n\n{output.read_text()}", end="", flush=True)
    finally:
        if hanging is not None:
            os.killpg(hanging.pid, signal.SIGKILL)
            hanging.wait()
        agent.terminate()
        agent.wait()
    return worked


def _prints(output: Path, words: str, since: str = "") -> bool:
    """Waits for words; tells how long after `since` they came."""
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_SECONDS:
        if words in output.read_text():
            if since:
                print(f"{since}; reported {time.monotonic() - began:.0f} s later.", flush=True)
            return True
        time.sleep(0.1)
    print(f"The resident agent did not tell of it; see {output}.", file=sys.stderr)
    return False


def _collect(title: str, arguments: list[str], url: str) -> bool:
    """Runs one collect and prints its verdict; whether it did its work and was delivered."""
    print(f"\n---- {title} " + "-" * max(0, 90 - len(title)) + "\n", flush=True)
    token = DEMO / "endpoint" / "admin.token"
    done = subprocess.run(
        [
            *VMEXT,
            "collect",
            *arguments,
            "--upload",
            url,
            "--token-file",
            str(token),
            "--state-dir",
            str(DEMO / "state"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, end="", flush=True)
    if done.returncode not in WORKED:
        print(f"This collect ended with exit code {done.returncode}; see above.", file=sys.stderr)
    return done.returncode in WORKED


if __name__ == "__main__":
    sys.exit(main())
