"""Runs one target under atheris for some seconds. A crash is made small and kept, each once, and the run goes on.

usage: python -m tests.fuzz.guided TARGET SECONDS CORPUS
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]

from tests.fuzz.targets import CRASHES, crash_of, smaller, target

#: Inputs longer than this find nothing that shorter ones don't.
_LONGEST = 4_096


def main() -> None:
    name, seconds, corpus = sys.argv[1:4]
    with atheris.instrument_imports(include=["collector"]):
        chosen = target(name)
    (CRASHES / name).mkdir(parents=True, exist_ok=True)
    known = {crash_of(chosen.check, file.read_bytes()) for file in chosen.crashes()}

    def once(data: bytes) -> None:
        crash = crash_of(chosen.check, data)
        if crash is None or crash in known:
            return
        known.add(crash)
        least = smaller(chosen.check, data)
        file = CRASHES / name / f"{hashlib.sha256(least).hexdigest()[:12]}.bin"
        file.write_bytes(least)
        sys.stderr.write(f"\n{crash}\n  {least!r}\n  kept as {file.relative_to(Path.cwd())}\n")

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        "-timeout=20",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    options.append(f"-artifact_prefix={CRASHES / name}/")
    atheris.Setup([sys.argv[0], corpus, *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
