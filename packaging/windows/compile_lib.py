"""Run by the embeddable Python itself: compiles the folder that is named, every module beside its source.

The bytes depend on the sources alone: paths in them are relative, and no module asks for the time of its source.
"""

from __future__ import annotations

import compileall
import py_compile
import sys

sys.exit(
    not compileall.compile_dir(
        sys.argv[1],
        maxlevels=50,
        quiet=1,
        force=True,
        legacy=True,
        stripdir=sys.argv[1],
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
)
