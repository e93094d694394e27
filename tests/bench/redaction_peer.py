"""Runs in the peers' environment: one peer over lines or planted cases, its figures as JSON.

usage: redaction_peer.py PEER speed|recall|alarms FILE
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_PIECE = 6
_PASSES, _LONG = 3, 15  # and seconds after which no further pass is begun


def insights() -> Callable[[str], str]:
    """With all that it can hide, as its users turn it on."""
    from insights.cleaner import Cleaner  # type: ignore[import-not-found]

    kinds = ["hostname", "ipv4", "ipv6", "mac"]
    config = SimpleNamespace(obfuscation_list=kinds, obfuscate=True, obfuscate_hostname=True)
    cleaner = Cleaner(config, {}, "vm1.contoso.com")
    return lambda line: str(cleaner.clean_content([line])[0]) if line.strip() else line


def detect() -> Callable[[str], str]:
    """A scanner: what it reports counts as gone."""
    from detect_secrets.core.scan import scan_line  # type: ignore[import-not-found]
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found]

    settings = default_settings()
    settings.__enter__()

    def scan(line: str) -> str:
        for found in scan_line(line):
            if found.secret_value:
                line = line.replace(found.secret_value, "*")
        return line

    scan.settings = settings  # type: ignore[attr-defined]
    return scan


def sos() -> Callable[[str], str]:
    """Its parsers one after another, as its cleaner calls them."""
    sys.path[:0] = [folder for folder in (os.environ.get("SOS_PATH"),) if folder]
    from sos.cleaner.parsers.hostname_parser import SoSHostnameParser  # type: ignore[import-not-found]
    from sos.cleaner.parsers.ip_parser import SoSIPParser  # type: ignore[import-not-found]
    from sos.cleaner.parsers.keyword_parser import SoSKeywordParser  # type: ignore[import-not-found]
    from sos.cleaner.parsers.mac_parser import SoSMacParser  # type: ignore[import-not-found]

    parsers: list[Any] = [
        SoSHostnameParser("", ["contoso.com"]), SoSIPParser(""), SoSMacParser(""), SoSKeywordParser([], ""),
    ]  # fmt: skip

    def clean(line: str) -> str:
        for parser in parsers:
            line = parser.parse_line(line)[0]
        return line

    return clean


def gone(secret: str, text: str) -> bool:
    plain = re.sub(r"\\|\n", "", text)
    secret = secret.replace("\n", "")
    return not any(secret[at : at + _PIECE] in plain for at in range(max(len(secret) - _PIECE, 0) + 1))


def speed(make: Callable[[], Callable[[str], str]], lines: list[str]) -> float:
    """Lines in a second of processor time: the best of three passes, each by a cleaner that has seen nothing; of those
    that take long, the first."""
    best, spent = 0.0, 0.0
    for _ in range(_PASSES):
        clean, begin = make(), time.process_time()
        for line in lines:
            clean(line)
        taken = time.process_time() - begin
        best, spent = max(best, len(lines) / taken), spent + taken
        if spent > _LONG:
            break
    return best


def main() -> None:
    name, what, file = sys.argv[1:]
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    make = {"insights-core": insights, "detect-secrets": detect, "sos": sos}[name]
    clean = make()
    told: dict[str, float]
    if what == "recall":
        texts = ((secret, "\n".join(map(clean, text.split("\n")))) for text, secret in given)
        told = {"found": sum(gone(secret, text) for secret, text in texts)}
    elif what == "alarms":
        told = {"alarms": sum(clean(line) != line for line in given)}
    else:
        told = {"speed": speed(make, given)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
