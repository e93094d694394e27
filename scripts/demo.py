"""The demo: an endpoint on loopback, two incident disks and this machine, three verdicts, one review page."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "demo"
VMEXT = [sys.executable, "-m", "collector"]
#: Exit codes of a collect that did its work: healthy, failure, hang, no sources.
WORKED = {0, 10, 11, 12}


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
