"""Limits: one table says how long, whose, and since when an operation counts as hung."""

from __future__ import annotations

import pytest

from collector.data.time_limits import deciding, deciding_for, time_limits
from collector.extract.hangs import limit_for

LINUX_SCRIPT, WINDOWS_SCRIPT = "Microsoft.Azure.Extensions.CustomScript", "Microsoft.Compute.CustomScriptExtension"


@pytest.mark.parametrize(
    ("system", "extension", "operation", "seconds"),
    [
        ("linux", "Pub.Type", "Install", 900),
        ("linux", "Pub.Type", "Update", 900),
        ("linux", "Pub.Type", "Disable", 900),
        ("linux", "Pub.Type", "Enable", 300),
        ("linux", "Pub.Type", "Uninstall", 300),
        ("linux", LINUX_SCRIPT, "Enable", 5400),
        ("linux", LINUX_SCRIPT, "Install", 900),
        ("linux", "Microsoft.CPlat.Core.RunCommandLinux", "Enable", 5400),
        ("linux", "Microsoft.CPlat.Core.RunCommandHandlerLinux", "Enable", 5400),
        ("windows", "Microsoft.CPlat.Core.RunCommandHandlerWindows", "Enable", 5400),
        ("windows", WINDOWS_SCRIPT, "Enable", 5400),
        ("windows", "Microsoft.Powershell.DSC", "Enable", 5400),
        ("windows", "Microsoft.Powershell.DSC", "Install", 900),
        ("windows", "Pub.Type", "Enable", 300),
        ("windows", "Pub.Type", "Uninstall", 900),
        ("windows", "Pub.Type", None, None),
        ("windows", "Pub.Type", "Dance", None),
    ],
)
def test_how_long_an_operation_may_take(system, extension, operation, seconds):
    assert limit_for(system, extension, operation) == seconds


def test_a_limit_says_whose_it_is():
    own = deciding_for("linux", LINUX_SCRIPT, "Enable")
    assert own
    assert (own.who, own.id) == ("Custom Script Linux", "custom-script-linux")
    general = deciding_for("linux", "Pub.Type", "Enable")
    assert general
    assert general.who == "Linux agent"
    assert "Timeout(300)" in general.trace


def test_every_deciding_limit_can_be_reached():
    reached = {
        row.id
        for system in ("linux", "windows")
        for extension in ("Pub.Type", *(row.extension.replace("*", "Linux") for row in deciding()))
        for operation in ("Install", "Enable", "Disable", "Update", "Uninstall")
        if (row := deciding_for(system, extension, operation))
    }
    # One limit written down for both generations of Run Command; the managed one's own row is the longer glob.
    assert reached == {row.id for row in deciding()}


def test_what_is_not_limited_by_a_handlers_operation_decides_nothing():
    assert len(time_limits()) > len(deciding()) > 10
    assert all(row.hang == "no" for row in time_limits() if not row.operation)
