"""Codes: what one number means for whom."""

from __future__ import annotations

import pytest

from collector.diagnose import codes
from collector.diagnose.codes import forms, of_extension, of_shell, of_status, of_tool, of_windows, tool_named
from collector.diagnose.meanings import first_words
from collector.diagnose.named import named_by

CUSTOM_SCRIPT = "Microsoft.Azure.Extensions.CustomScript"
OMS = "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
RUN_COMMAND = "Microsoft.CPlat.Core.RunCommandHandlerLinux"
VM_SNAPSHOT = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
DSC_LINUX = "Microsoft.OSTCExtensions.DSCForLinux"


def names(rows) -> list[str]:
    return [row.name for row in rows]


def test_one_number_seen_from_every_side():
    assert forms(-1073741515) == forms(3221225781) == forms(0xC0000135)
    assert names(of_windows(-1073741515)) == names(of_windows(0xC0000135)) != []


@pytest.mark.parametrize(
    ("code", "scope", "number"),
    [
        (0xC0000135, "ntstatus", "-1073741515"),
        (0xD0000135, "ntstatus", "-1073741515"),  # HRESULT_FROM_NT
        (0x80070643, "hresult", "-2147023293"),  # has a row of its own
        (0x80070035, "win32", "53"),  # HRESULT_FROM_WIN32
        (-2147024843, "win32", "53"),  # the same, signed
        (0xC0070005, "win32", "5"),  # NTSTATUS_FROM_WIN32
        (0x80070654, "msi", "1620"),
        (1603, "msi", "1603"),
        (1618, "msi", "1618"),
        (3010, "msi", "3010"),
        (1053, "win32", "1053"),
    ],
)
def test_windows_names_of_a_number(code: int, scope: str, number: str):
    found = of_windows(code)
    assert (found[0].scope, found[0].code) == (scope, number)


def test_a_small_number_is_no_ntstatus():
    assert {row.scope for row in of_windows(5)} <= {"msi", "win32", "wusa", "dism"}


def test_what_succeeded_is_no_failures_meaning():
    assert of_extension(CUSTOM_SCRIPT, "linux", 0) == ()
    assert of_windows(2359302) == ()  # the update is there already
    assert of_tool("robocopy", 1) == ()
    assert of_tool("yum", 100) == ()
    assert of_tool("yum", 200)[0].transient


def test_an_installer_that_wants_a_restart_is_told_all_the_same():
    """A handler that passes 3010 on has failed for the agent, and this is why."""
    assert of_windows(3010)[0].name == "ERROR_SUCCESS_REBOOT_REQUIRED"


def test_codes_below_a_shells_own_are_the_scripts():
    assert of_shell(1) == ()
    assert of_shell(127)


def test_a_status_files_code_is_no_exit_code():
    assert "FileDownload_doesNotExist" not in names(of_extension(CUSTOM_SCRIPT, "linux", 53))
    assert names(of_status(CUSTOM_SCRIPT, 53)) == ["FileDownload_doesNotExist"]
    assert names(of_extension(CUSTOM_SCRIPT, "linux", 52)) == ["cmdInstall.failExitCode"]
    assert names(of_status(CUSTOM_SCRIPT, 52)) == ["FileDownload_accessDenied"]
    assert names(of_extension(RUN_COMMAND, "linux", 53)) == []
    assert names(of_status(RUN_COMMAND, 53)) == ["FileDownload_DoesNotExist"]
    assert names(of_extension(VM_SNAPSHOT, "linux", 3)) == ["NoWorkingPython"]
    assert names(of_status(VM_SNAPSHOT, 3)) == ["SuccessAlreadyProcessedInput"]
    assert names(of_status(CUSTOM_SCRIPT, -9999)) == ["Internal_UnknownError"]
    assert all(row.severity != "info" for row in of_extension(VM_SNAPSHOT, "linux", 1))


def test_the_agents_own_codes():
    assert "PluginHandlerScriptTimedout" in names(of_status("guest-agent", 1011))
    assert of_status("guest-agent", 1) == ()


def test_one_code_of_several_meanings_is_told_apart_by_operation():
    assert len(of_extension(OMS, "linux", 55)) == 5
    assert names(of_extension(OMS, "linux", 55, operation="Enable")) == ["CannotConnectToOMSErrorCode"]
    assert "CannotConnectToOMSErrorCode" not in names(of_extension(OMS, "linux", 55, operation="Install"))
    assert names(of_extension(OMS, "linux", 55, operation="Uninstall")) == ["DPKGLockedErrorCode"]
    assert names(of_extension(OMS, "linux", 4, operation="Enable")) == ["INVALID_PROXY"]
    assert names(of_extension(OMS, "linux", 4, operation="Install")) == ["INVALID_PACKAGE_TYPE"]
    assert names(of_extension(AMA, "linux", 56, operation="Enable")) == []
    enabling = names(of_extension(DSC_LINUX, "linux", 51, operation="Enable"))
    assert enabling[:3] == ["InvalidExtensionAction", "MissingFileUri", "MissingRegistrationParameters"]
    assert "DPKGLockedErrorCode" not in enabling


def test_and_by_version():
    assert "CannotConnectToOMSErrorCode" in names(of_extension(OMS, "linux", 55, version="1.14.9"))
    assert "CannotConnectToOMSErrorCode" not in names(of_extension(OMS, "linux", 55, version="1.3.127.5"))
    first = of_extension(OMS, "linux", 55, version="1.14.9", operation="Enable")[0]
    assert (first.versions, first.operation) == (">=1.4.45", "Enable")
    assert of_status(CUSTOM_SCRIPT, 71, version="2.0.7") == ()
    assert names(of_status(CUSTOM_SCRIPT, 71, version="2.1.10")) == ["Msi_doesNotHaveRightPermissions"]


@pytest.mark.parametrize(
    ("extension", "code", "name"),
    [
        ("Microsoft.VisualStudio.Services.TeamServicesAgentLinux", 233, "InstallError"),  # exit(1001)
        ("Microsoft.VisualStudio.Services.TeamServicesAgentLinux", 232, "GenericError modulo 256"),  # a row of its own
        ("Microsoft.GuestConfiguration.ConfigurationforLinux", 244, "uninstallCode modulo 256"),
        ("Microsoft.GuestConfiguration.ConfigurationForLinux", 255, "failureCode"),  # exit(-1)
    ],
)
def test_linux_keeps_eight_bits_of_a_code(extension: str, code: int, name: str):
    assert names(of_extension(extension, "linux", code)) == [name]


def test_what_only_a_message_tells_is_never_folded():
    """Run Command writes -100 into its report and ends with another code; Go writes -1 for a signal."""
    assert names(of_extension(RUN_COMMAND, "linux", -100)) == ["ExitCode_ScriptBlobDownloadFailed"]
    assert of_extension(RUN_COMMAND, "linux", 156) == ()
    assert names(of_extension(CUSTOM_SCRIPT, "linux", -1)) == ["SignalledScript"]
    assert of_extension(CUSTOM_SCRIPT, "linux", 255) == ()


def test_names_of_extensions_are_the_same_in_upper_and_lower_case():
    assert of_extension(AMA.upper(), "linux", 56) == of_extension(AMA, "linux", 56) != ()


def test_errors_that_have_a_name_and_no_exit_code():
    assert "VMExtensionProvisioningTimeout" in names(codes.errors_of("arm"))
    assert codes.errors_of("shell") == ()


@pytest.mark.parametrize("row", named_by(), ids=lambda row: row.tells)
def test_a_tool_and_its_code_are_found_in_a_line(row):
    scope, code = row.tells.split()
    (found,) = tool_named(row.must_match)
    assert found[0] == scope
    assert code in forms(found[1])
    assert row.must_not_match
    assert tool_named(row.must_not_match) == ()
    assert of_tool(*found) or code == "2359302", "nothing is known of what the example tells"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "curl: (7) Failed to connect\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
            [("curl", 7), ("dpkg", 1)],
        ),
        ("Command '['/usr/bin/systemctl', 'start', 'x']' returned non-zero exit status 5.", [("systemctl", 5)]),
        ("+ apt-get install -y nginx\napt-get failed with exit code 100", [("apt", 100)]),
        ("`docker run x` exited with code 125", [("docker", 125)]),
        ("msiexec.exe /i a.msi failed with exit code: 1603", [("msi", 1603)]),
        ("curl: (28) timed out\ncurl: (28) timed out", [("curl", 28)]),
        ("git failed with exit code 0128", [("git", 128)]),
        ("DISM.exe: Error: 0x800F0950", [("dism", 0x800F0950)]),
        # Nothing is told of a tool that only stands near a number.
        ("installed docker; setup failed with exit code 4", []),
        ("command terminated with exit status=1", []),
        ("the exit code of my-apt-get wrapper was exit code 3", []),
        ("git-lfs exited with code 2", []),
        ("tar: Child returned status 1\ntar: Error is not recoverable: exiting now", []),
        ("", []),
    ],
)
def test_which_tools_a_text_tells_of(text: str, found: list[tuple[str, int]]):
    assert list(tool_named(text)) == found


def test_a_handler_that_changed_its_codes():
    patch = "Microsoft.CPlat.Core.LinuxPatchExtension"
    assert names(of_extension(patch, "linux", 255, version="1.6.30")) == ["HandlerFailed"]  # exit(-1)
    assert names(of_extension(patch, "linux", 232, version="1.6.30")) == ["BadHandlerEnvironmentFile"]  # exit(3560)
    assert names(of_extension(patch, "linux", 88, version="1.6.30")) == []
    assert names(of_extension(patch, "linux", 88, version="1.6.60")) == ["HandlerFailed"]
    assert names(of_extension(patch, "linux", 90, version="1.6.38")) == ["OperationNotSupported"]
    assert names(of_extension(patch, "linux", 90, version="1.6.60")) == ["AutoAssessmentFailure"]


def test_the_beginning_of_a_sentence_ends_no_brackets_that_it_does_not_close():
    long = "A setting is missing, invalid or contradictory (proxy, certificates, names) or not allowed."
    assert first_words(long) == "A setting is missing, invalid or contradictory ..."
    assert first_words("Nothing was found (as told).") == "Nothing was found (as told)"
