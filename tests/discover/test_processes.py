"""The list of all processes, of which one or another does not tell something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest

from collector.discover.processes import running


@pytest.mark.parametrize("name", ["name", "cmdline"])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), psutil.AccessDenied(1), RuntimeError("odd")])
def test_a_process_that_does_not_tell_is_in_the_list(name: str, error: Exception, monkeypatch: pytest.MonkeyPatch):
    everything = set(running())
    asked: Callable[[psutil.Process], object] = getattr(psutil.Process, name)

    def answer(process: psutil.Process) -> object:
        if process.pid == os.getpid():
            raise error
        return asked(process)

    monkeypatch.setattr(psutil.Process, name, answer)
    found = running()
    one = found[os.getpid()]
    assert (one.parent, one.name if name == "name" else one.command) == (os.getppid(), "")
    assert len(found) > 1 or len(everything) == 1


def test_a_process_that_ends_meanwhile_is_not_in_the_list(monkeypatch: pytest.MonkeyPatch):
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        ended = psutil.Process(child.pid)
    monkeypatch.setattr(psutil, "process_iter", lambda: iter([ended]))
    assert running() == {}
