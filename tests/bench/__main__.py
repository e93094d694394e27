"""Runs the benchmarks and prints a table of them; ends with 1 where a bound isn't met.

With --fuzz it runs the properties of the window reader instead, on so many logs made at random.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measuring import Result, unmeasured

#: Modules of this package with `run(data, quick)`, in the order of the table; one that isn't there is left out.
NAMES = (
    "startup",
    "package",
    "reading",
    "agent_collector",
    "memory",
    "comparing",
    "redaction",
    "tailing",
    "endpoint",
    "endpoint_growth",
)


def main() -> int:
    names = [name for name in NAMES if importlib.util.find_spec(f"tests.bench.{name}")]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="small files and few runs, to see that it works")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the files are kept (several GB)")
    parser.add_argument(
        "--fuzz",
        type=int,
        nargs="?",
        const=2_000,
        metavar="N",
        help="check the window reader on N logs, 2000 if not given",
    )
    options = parser.parse_args()
    if options.fuzz is not None:
        return _fuzz(options.fuzz)
    data: Path = options.data or Path(tempfile.gettempdir(), "vmext-bench")
    data.mkdir(parents=True, exist_ok=True)
    results = []
    for name in options.only or names:
        sys.stderr.write(f"{name} ...\n")
        results += _run(name, data.resolve(), options.quick)
    sys.stdout.write(table(results))
    return 0 if all(result.met for result in results) else 1


def _fuzz(examples: int) -> int:
    code = subprocess.call([sys.executable, "-m", "tests.read.models", "--examples", str(examples)])
    sys.stdout.write(
        f"{examples} logs: " + ("NOT all" if code else "all") + " windows hold what a whole reading finds\n"
    )
    return code


def _run(name: str, data: Path, quick: bool) -> list[Result]:
    """A benchmark's rows; one that breaks is a row that isn't met, and the others still run."""
    try:
        rows: list[Result] = importlib.import_module(f"tests.bench.{name}").run(data, quick)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        return [unmeasured(name, f"{type(error).__name__}: {error}")]
    return rows


def table(results: list[Result]) -> str:
    """The rows as a Markdown table."""
    rows = [
        ("what", "vmext", "peer", "ratio", "bound", "", "note"),
        ("---", "---:", "---:", "---:", "---:", "---", "---"),
    ]
    for result in results:
        peer = f"{_amount(result.peer, result.unit)} ({result.peer_name})" if result.peer is not None else ""
        unit = result.unit if result.peer is None else ""
        rows.append(
            (
                result.what,
                _amount(result.ours, result.unit),
                peer,
                _amount(result.ratio),
                ("≥ " if result.at_least else "≤ ") + _amount(result.bound, unit),
                "met" if result.met else "NOT met",
                result.note.replace("|", "\\|").replace("\n", " "),
            )
        )
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _amount(value: float | None, unit: str = "") -> str:
    """A figure with three digits, as one reads it."""
    if value is None or math.isnan(value):
        return "" if value is None else "?"
    text = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:#.3g}"
    return f"{text} {unit}".strip()


if __name__ == "__main__":
    sys.exit(main())
