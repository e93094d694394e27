"""The script for Windows. No PowerShell can be had where these tests run: what can be tried without one is tried.

It is parsed, looked through for what PowerShell 5.1 does not have, and the two patterns that hide secrets, which .NET
and Python read alike, are tried on every planted secret. docs/windows.md says how to check the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import tree_sitter
import tree_sitter_powershell

from collector.fleet.ask.verdicts import read_verdict
from tests.redact.planted import corpus, leaks
from tests.run_command.forms import FORMS

SCRIPT = Path(__file__).parents[2] / "scripts/run-command/collect.ps1"
TEXT = SCRIPT.read_text(encoding="ascii")
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def tree(text: str) -> tree_sitter.Node:
    return PARSER.parse(text.encode()).root_node


def code() -> str:
    """The script without comments and texts in quotes."""
    data = bytearray(TEXT.encode())
    for node in nodes(tree(TEXT)):
        if node.type == "comment" or node.type.endswith(("string_characters", "string_literal")):
            data[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return data.decode()


def test_it_parses():
    assert not tree(TEXT).has_error
    assert tree(TEXT + "\nif (").has_error, "the parser finds mistakes"


@pytest.mark.parametrize(
    "newer", [r"\?\?", r"\?\.", r"\?\[", r"&&", r"\|\|", r"-Parallel\b", r"-AsHashtable", r"\s\?\s"]
)
def test_it_has_nothing_that_5_1_lacks(newer: str):
    assert not re.search(newer, code())


def test_it_asks_for_what_5_1_needs():
    for wanted in ("Tls12", "-UseBasicParsing", "$ProgressPreference = 'SilentlyContinue'", "Get-FileHash"):
        assert wanted in TEXT
    assert "Read-Host" not in TEXT
    assert TEXT.rstrip().endswith("exit 0")


def test_only_the_verdict_goes_to_standard_output():
    """In PowerShell every value that nobody takes is output: outside of functions only one line may give any."""
    assert TEXT.count("Write-Output") == 1
    assert "Write-Host" not in TEXT
    adds = [line for line in code().splitlines() if ".Add(" in line]
    assert adds
    assert all(line.count(".Add(") == line.count("[void]") for line in adds)


def test_the_parameters_are_those_of_the_script_for_linux():
    shell = SCRIPT.with_name("collect.sh").read_text()
    ours = set(re.findall(r"\$(VMEXT_\w+) =", TEXT.partition("\n)\n")[0]))
    assert ours == set(re.findall(r'^: "\$\{(VMEXT_\w+):=', shell, re.M)) - {
        "VMEXT_UNPACK_FOLDERS",
        "VMEXT_STATE_FOLDERS",
    }


def test_its_verdicts_are_read_back():
    for words in re.findall(r"'(VMEXT [A-Z ]+?) ?'", TEXT):
        assert read_verdict(f"{words}: reduced verdict\n{words}; no bundle, not delivered") is not None


def pattern(name: str, flags: int = 0) -> re.Pattern[str]:
    found = re.search(rf"^\${name} = '(.*)'$", TEXT, re.M)
    assert found
    return re.compile(found[1].replace("''", "'"), flags)


def hidden(text: str) -> str:
    """As the function Hide does it, line by line."""
    risky, by_chance = pattern("Risky", re.I), pattern("ByChance")
    lines = text.split("\n")
    plain = [line.replace("\\", "") for line in lines]
    bad = [bool(risky.search(line)) for line in plain]
    for at in range(len(plain) - 1):
        if len(plain[at]) >= 40 and not bad[at] and not bad[at + 1] and risky.search(plain[at] + plain[at + 1]):
            bad[at] = bad[at + 1] = True
    key, was = 0, False
    told = []
    for at, line in enumerate(plain):
        if re.search("BEGIN [A-Z0-9 ]*KEY", line):
            key = 80
        key -= 1
        rest = was and len(plain[at - 1]) >= 60 and line != ""
        start = at < len(plain) - 1 and bad[at + 1] and len(line) >= 60
        was = bad[at] or rest or start or key > 0
        if re.search("END [A-Z0-9 ]*KEY", line):
            key = 0
        told.append("[hidden: this line may hold a secret]" if was else by_chance.sub("[hidden]", lines[at]))
    return "\n".join(told)


def test_the_patterns_leave_no_planted_secret():
    left: Counter[str] = Counter()
    for case in corpus(Random(7)):
        text = re.sub(r"[^\x20-\x7e\n]", "?", case.text.replace("\0", "").replace("\r", "\n"))
        left[f"{case.planted.kind}, {case.where}"] += bool(leaks(case, hidden(text)))
    assert not +left


def test_plain_words_are_hidden_where_the_line_says_what_they_are():
    texts = [re.sub(r"[^\x20-\x7e\n]", "?", form.replace("@", "hunterhunter", 1)) for form in FORMS]
    assert [text for text in texts if "hunterhunter" in hidden(text)] == []


def test_nothing_is_run_or_kept_where_any_user_may_make_folders():
    """%ProgramData%, the folders for temporary files: what SYSTEM runs from there may be another's."""
    code = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    assert not re.search(r"ProgramData|ALLUSERSPROFILE|\bTE?MP\b|GetTempPath|env:PUBLIC", code, re.I)


REASONS = (
    "Join completed for Domain 'corp.fabrikam.example'",
    "ERROR - Failed to join domain='corp.fabrikam.example', option='NetSetupJoinDomain' (#3 meaning 'User Specified'). Error code 1355",
    "[00000019] [05/27/2014 23:25:06.83] [ERROR] Install command of Symantec.SymantecEndpointProtection has not exited on time! Killing it...",
    "Command execution finished, but failed because it returned a non-zero exit code of: '1'.",
)


@pytest.mark.parametrize("line", REASONS)
def test_the_lines_that_tell_the_reason_stay(line: str):
    assert hidden(line).count("[hidden") <= 1
    assert "this line" not in hidden(line)
