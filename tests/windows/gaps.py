"""A pytest plugin that skips under Wine what `wine.tsv` names, and notes which test runs. Loaded by `scripts/test-windows`."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("wine.tsv")
#: The test that runs; `scripts/test-windows` reads it where Python ended in the middle of one.
RUNNING = Path("C:/running-test.txt")


def is_wine() -> bool:
    """Whether this Windows is Wine: its ntdll alone tells a version of Wine."""
    return sys.platform == "win32" and hasattr(ctypes.CDLL("ntdll"), "wine_get_version")


def gaps() -> dict[str, str]:
    """The beginning of a test's id, and why Wine can't run it."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if not line.startswith("#"))


def pytest_configure() -> None:
    """Takes out of Python what Wine lacks and would end the process; shutil then copies as on other systems."""
    if is_wine():
        import _winapi

        vars(_winapi).pop("CopyFile2", None)


def pytest_runtest_logstart(nodeid: str) -> None:
    if is_wine():
        RUNNING.write_text(nodeid, encoding="utf-8")


def pytest_sessionfinish() -> None:
    if is_wine():
        RUNNING.unlink(missing_ok=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whole files that can't even be imported; None leaves the decision to pytest."""
    inside = collection_path.is_relative_to(config.rootpath)
    name = collection_path.relative_to(config.rootpath).as_posix() if inside else ""
    return True if is_wine() and name in gaps() else None


def pytest_report_header() -> list[str]:
    """The files that are left out, each with its reason."""
    files = {name: reason for name, reason in gaps().items() if name.endswith(".py")} if is_wine() else {}
    return [f"left out: {name}: Wine: {reason}" for name, reason in files.items()]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests; a row that names no test of a file that was collected is an error."""
    if not is_wine():
        return
    ids = [item.nodeid for item in items]
    files = {test.partition("::")[0] for test in ids}
    whole = not any("::" in argument for argument in config.args)
    for test, reason in gaps().items():
        named = [item for item in items if item.nodeid.startswith(test)]
        if not named and whole and test.partition("::")[0] in files:
            raise pytest.UsageError(f"{TABLE.name} names {test}, which is no test")
        for item in named:
            item.add_marker(pytest.mark.skip(reason=f"Wine: {reason}"))
