"""A table that is not what it should be is refused, and the message leads to the line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import collector.data
from collector.data.messages import messages, verify
from collector.data.strict import is_source
from collector.data.time_limits import time_limits
from collector.data.version_range import holds, is_range
from collector.diagnose.causes import causes
from collector.diagnose.codes import of_extension, table
from collector.diagnose.named import named_by
from collector.errors import DataError


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch):
    """Tables as they are, with one text in them replaced."""
    real = collector.data.text_of
    caches = (table, messages, time_limits, causes, named_by)

    def change(name: str, old: str, new: str) -> None:
        text = real(name)
        assert old in text
        monkeypatch.setattr(collector.data, "text_of", lambda asked: text.replace(old, new, 1) if asked == name else "")
        for cache in caches:
            cache.cache_clear()

    yield change
    for cache in caches:
        cache.cache_clear()


CODES, SIGNATURES, LIMITS = "exit_codes/handlers.tsv", "signatures/failures.tsv", "time_limits.tsv"
ACRONIS = "Acronis.Backup.AcronisBackupLinux\tlinux\t1\texit\t\t\tPython2OnlyHandler"
FIRST_CODE = ACRONIS.replace("\tPython2OnlyHandler", "")
FIRST_SIGNATURE = "Microsoft.Azure.Extensions.CustomScript\tcse-nonzero-exit\tlinux"
FIRST_LIMIT = "linux-agent-install\tLinux agent\tlinux\t*\tInstall\t900\tyes"


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (CODES, "kind\toperation", "kind\toperations", "has the columns"),
        (CODES, FIRST_CODE, FIRST_CODE.replace("linux", "unix"), "2: system is 'unix'"),
        (CODES, FIRST_CODE, FIRST_CODE.replace("exit", "signal"), "2: kind is 'signal'"),
        (CODES, FIRST_CODE, FIRST_CODE.replace("\t1\t", "\tone\t"), "2: the code 'one' is no decimal number"),
        (CODES, FIRST_CODE, FIRST_CODE.replace("\t1\t", "\t4294967296\t"), "2: no process can end with 4294967296"),
        (CODES, "exit\t\t\tPython2", "exit\tReinstall\t\tPython2", "2: unknown operation Reinstall"),
        (CODES, "exit\t\t\tPython2", "exit\t\t2.x\tPython2", "2: '2.x' is no range of versions"),
        (CODES, "exit\t\t\tPython2", "exit\t\tPython2", "2 has 11 columns, not 12"),
        (CODES, "\terror\thttps", "\tbad\thttps", "2: severity is 'bad'"),
        (CODES, "\tconvention\n", "\trumour\n", "2: confidence is 'rumour'"),
        (SIGNATURES, FIRST_SIGNATURE, FIRST_SIGNATURE.replace("nonzero-exit", "command-missing"), "4 says what"),
        (SIGNATURES, "cse-nonzero-exit\tlinux", "cse-nonzero-exit\tboth", "2: system is 'both'"),
        (SIGNATURES, "\tscript-failed\t", "\t\t", "2: a failure or a hang has a cause"),
        (SIGNATURES, "\tfailure\tAzure/", "\tnoise\tAzure/", "2: kind is 'noise'"),
        (LIMITS, FIRST_LIMIT, FIRST_LIMIT.replace("900", "15m"), "2: '15m' is no number of seconds"),
        (LIMITS, FIRST_LIMIT, FIRST_LIMIT.replace("Install", ""), "2: what decides about a hang needs an operation"),
        (LIMITS, FIRST_LIMIT, FIRST_LIMIT.replace("linux-agent-install", "linux-agent-update"), "3 says what"),
        (LIMITS, FIRST_LIMIT, FIRST_LIMIT.replace("Install", "Update"), "3 says what"),
        ("causes.tsv", "script\n", "author\n", "4: owner is 'author'"),
        ("exit_codes/named.tsv", "(?P<code>", "(?P<number>", "2: the pattern needs a group code"),
    ],
)
def test_a_broken_row_is_refused_with_its_place(changed, name: str, old: str, new: str, told: str):
    changed(name, old, new)
    load: dict[str, Callable[[], object]] = {
        CODES: lambda: table("handlers"),
        SIGNATURES: lambda: messages("failures"),
        LIMITS: time_limits,
        "causes.tsv": causes,
        "exit_codes/named.tsv": named_by,
    }
    with pytest.raises(DataError) as caught:
        load[name]()
    assert str(caught.value).startswith(name)
    assert told in str(caught.value)


def test_a_second_row_that_says_the_same_is_refused(changed):
    line = next(line for line in collector.data.text_of(CODES).splitlines() if line.startswith("Acronis."))
    changed(CODES, line, f"{line}\n{line}")
    with pytest.raises(DataError, match=r"handlers\.tsv:3 says what exit_codes/handlers\.tsv:2 says already"):
        table("handlers")


def test_a_pattern_that_is_none_is_refused_with_its_line(changed):
    changed(SIGNATURES, "command terminated with exit status=(?!0", "command terminated with exit status=(((?!0")
    with pytest.raises(DataError, match=r"failures\.tsv:2: cse-nonzero-exit"):
        verify("failures")


def test_a_row_behind_one_with_its_pattern_is_never_reached(changed):
    lines = collector.data.text_of(SIGNATURES).splitlines()
    first = lines[1].replace("\tlinux\t", "\tany\t", 1)
    changed(SIGNATURES, lines[1], f"{first}\n{lines[1].replace('cse-nonzero-exit', 'another')}")
    with pytest.raises(DataError, match=r"failures\.tsv:3 is never reached"):
        messages("failures")


def test_only_the_rows_of_the_extension_are_read(changed):
    """Another extension's broken row does no harm before it is asked for."""
    changed(CODES, FIRST_CODE, FIRST_CODE.replace("linux", "unix"))
    assert of_extension("microsoft.azure.monitor.AZUREMONITORLINUXAGENT", "linux", 56)
    with pytest.raises(DataError):
        of_extension("Acronis.Backup.AcronisBackupLinux", "linux", 1)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=2.1,<3", ["2.1", "2.1.0", "2.10.5", "2.99"], ["2.0.9", "3", "3.0.0", "1"]),
        (">2.1", ["2.1.1", "2.2"], ["2.1", "2.1.0"]),
        ("<=2.1", ["2.1.0", "0.9"], ["2.1.1"]),
        ("==1.4", ["1.4", "1.4.0.0"], ["1.4.1"]),
        ("", ["1", "9.9.9"], []),
    ],
)
def test_ranges_of_versions(text: str, inside: list[str], outside: list[str]):
    assert is_range(text)
    assert all(holds(text, version) for version in inside)
    assert not any(holds(text, version) for version in outside)


@pytest.mark.parametrize("text", ["2.1", ">=", ">=2,", "~=2.1", ">=2 <3", ">=2.x"])
def test_what_is_no_range(text: str):
    assert not is_range(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://learn.microsoft.com/windows/win32/msi/error-codes",
        "Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py",
        "Azure/WALinuxAgent#861; chef-partners/azure-chef-extension#9",
        "Azure/WALinuxAgent@2.2.45",
        "man:systemd.exec(5)",
    ],
)
def test_what_can_be_followed(text: str):
    assert is_source(text)


@pytest.mark.parametrize(
    "text",
    ["", "Azure/WALinuxAgent 2.2.45, run", "common knowledge", "a/b:x.py, c/d:y.py", "learn.microsoft.com/x", "man:ls"],
)
def test_what_can_not(text: str):
    assert not is_source(text)
