"""Compiles the Python files of a folder in place and removes them; run by the Python that is to read the result.

    python3 -S compiling.py FOLDER

What comes out depends on the content of the files only, not on where the folder lies or when it was made.
"""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        raise SystemExit("compiling.py needs PYTHONHASHSEED=0: the order of a set's members is in what it writes")
    folder = Path(sys.argv[1])
    for file in sorted(folder.rglob("*.py")):
        py_compile.compile(
            str(file),
            cfile=f"{file}c",
            dfile=file.relative_to(folder).as_posix(),
            doraise=True,
            # never compared with a source: there is none
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        file.unlink()


main()
