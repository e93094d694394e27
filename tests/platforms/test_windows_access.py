"""Which access lists of Windows keep a folder to administrators, and how the service is entered."""

from __future__ import annotations

import sys

import pytest

from collector.platforms.service_settings import command_of, details, entry
from collector.platforms.windows_access import PRIVATE, is_private
from tests.collecting import vmext


@pytest.mark.parametrize(
    ("descriptor", "private"),
    [
        (PRIVATE, True),
        ("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)", True),
        ("O:BAG:SYD:PAI(A;OICI;FA;;;SY)", True),
        ("D:P(D;;FA;;;WD)(A;OICI;FA;;;BA)", True),
        ("D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)", False),  # comes from the folder above
        ("D:PAI(A;OICI;FA;;;SY)(A;CI;DCLCRPCR;;;BU)", False),  # users may add files
        ("D:P(A;OICI;FA;;;S-1-5-21-1-2-3-1001)", False),
        ("D:PNO_ACCESS_CONTROL", False),  # everyone may do everything
        ("D:NO_ACCESS_CONTROL", False),
        ("", False),
    ],
)
def test_what_is_private(descriptor: str, private: bool):
    assert is_private(descriptor) is private


def test_the_path_of_the_service_stands_in_quotes():
    program = r"C:\Program Files\vmext\python\python.exe"
    assert command_of(program) == f'"{program}" -m collector service run'
    for is_new, first in ((True, "create"), (False, "config")):
        command = entry(program, is_new=is_new)
        assert command[0] == first
        assert command[command.index("binPath=") + 1] == command_of(program)
        assert command[command.index("obj=") + 1] == "LocalSystem"


def test_the_service_comes_back_after_a_failure_and_drops_what_it_does_not_need():
    told = {command[0]: command for command in details()}
    assert told["failure"][-1] == "restart/30000/restart/60000/restart/300000"
    assert told["failureflag"][-1] == "1"
    assert told["config"][-2:] == ("start=", "delayed-auto")
    assert told["privs"][-1] == "SeChangeNotifyPrivilege/SeDebugPrivilege"


@pytest.mark.skipif(sys.platform == "win32", reason="what is said elsewhere")
@pytest.mark.parametrize("act", ["install", "remove", "start", "stop", "run"])
def test_elsewhere_there_are_no_such_services(act: str):
    result = vmext("service", act)
    assert (result.code, result.out) == (2, "")
    assert "Windows" in result.err
