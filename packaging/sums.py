"""SHA256SUMS of the packages in a folder, as sha256sum reads it.   sums.py FOLDER"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

_NAME = "SHA256SUMS"


def write(folder: Path) -> str:
    """Writes the file anew; its text."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name != _NAME)
    text = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (folder / _NAME).write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    print(write(Path(sys.argv[1])), end="")
