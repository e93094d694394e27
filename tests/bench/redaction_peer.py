"""Runs in the peers' environment: one peer over lines or planted cases, its figures as JSON.

usage: redaction_peer.py PEER speed|recall|alarms FILE

`speed` reads seconds, line by line, and makes passes over the file's lines until they took so long, at least one, each
with a cleaner that has seen nothing; it answers by the seconds of processor time of one pass. Making the cleaner counts,
importing it and reading the file do not. vmext is measured in the same way, in a process of its own.
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
_AT_ONCE = 2_000  # lines that vmext is given; the others take one at a time


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


def own() -> Callable[[list[str]], object]:
    from collector.redact.redactor import Redactor

    redactor = Redactor(b"k" * 32)
    return lambda lines: [redactor.lines(lines[at : at + _AT_ONCE]) for at in range(0, len(lines), _AT_ONCE)]


def speed(make: Callable[[], Callable[[list[str]], object]], lines: list[str]) -> None:
    """The first pass makes itself ready: modules are there, patterns may still have to be compiled."""
    make()
    for least in sys.stdin:
        begin, passes, taken = time.process_time(), 0, 0.0
        while not passes or taken < float(least):
            make()(lines)
            passes, taken = passes + 1, time.process_time() - begin
        print(taken / passes, flush=True)


def in_turn(make: Callable[[], Callable[[str], str]]) -> Callable[[], Callable[[list[str]], object]]:
    def made() -> Callable[[list[str]], object]:
        clean = make()
        return lambda lines: [clean(line) for line in lines]

    return made


def told(what: str, clean: Callable[[str], str], given: list[Any]) -> dict[str, int]:
    if what == "recall":
        texts = ((secret, "\n".join(map(clean, text.split("\n")))) for text, secret in given)
        return {"found": sum(gone(secret, text) for secret, text in texts)}
    return {"alarms": sum(clean(line) != line for line in given)}


_PEERS = {"insights-core": insights, "detect-secrets": detect, "sos": sos}


def main() -> None:
    name, what, file = sys.argv[1:]
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    if what == "speed":
        speed(own if name == "vmext" else in_turn(_PEERS[name]), given)
    else:
        print(json.dumps(told(what, _PEERS[name](), given)))


if __name__ == "__main__":
    main()
