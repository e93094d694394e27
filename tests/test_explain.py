"""`vmext explain` as a whole: what it says of pasted errors, of numbers and of lines, and what it never does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from collector.cli.explain import command
from tests.collecting import Result, vmext
from tests.diagnose.arm_forms import ARTICLE, FAILED, FORMS, NODE_TIMEOUT, TERRAFORM_UNESCAPED, wrapped

CASES = Path(__file__).parent / "cases_arm"
#: What scripts rely on, in this order; more keys may follow.
KEYS = ["code", "extension", "publisher", "type", "exit_code", "message", "meaning", "remedy", "causes"]
CAUSE_KEYS = {"id", "title", "owner", "confidence", "meaning", "remedy", "documentation", "evidence"}


def explain(*arguments: object, text: str | bytes | None = None) -> Result:
    """The real command; without `text` nothing comes through the pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "explain", *(str(argument) for argument in arguments)],
        input=text.encode() if isinstance(text, str) else text or b"",
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def errors(*arguments: object, text: str | bytes | None = None) -> list[dict[str, Any]]:
    """The same command in this process: what it prints as JSON."""
    data = text.encode() if isinstance(text, str) else text or b""
    result = CliRunner().invoke(command, [*map(str, arguments), "--format", "json"], input=data, catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.stdout)["errors"]
    return found


# ---- pasted errors -------------------------------------------------------------------------------------


def test_the_document_has_the_keys_that_scripts_rely_on():
    found = errors(json.dumps(wrapped(2)))
    assert [one["code"] for one in found] == [
        *("VMExtensionProvisioningError", "ResourceDeploymentFailure", "Conflict", "DeploymentFailed"),
    ]
    first = found[0]
    assert list(first)[: len(KEYS)] == KEYS
    assert (first["extension"], first["exit_code"], first["operation"]) == ("db-setup", 100, "enable")
    assert (first["publisher"], first["type"]) == ("", "")
    assert first["causes"][0]["title"] == "package or repository not available"
    assert set(first["causes"][0]) == CAUSE_KEYS
    assert "E: Unable to locate package mongo-x" in first["causes"][0]["evidence"]
    assert first["meaning"] == first["causes"][0]["meaning"]
    assert all(one["exit_code"] is None and one["causes"] == [] and one["meaning"] for one in found[1:])


@pytest.mark.parametrize("text", [*ARTICLE, *(file.read_text() for file in sorted(CASES.glob("*.txt")))])
def test_every_answer_says_what_it_means_and_what_to_do(text: str):
    for one in errors(text=text):
        assert one["meaning"]
        assert one["remedy"]
        assert one["documentation"]


def test_several_failed_extensions_are_said_to_be_several():
    first = errors(ARTICLE[0])[0]
    assert first["extension"] == ""
    assert first["title"] == "several extensions failed"
    assert "vmext fleet show" in first["remedy"]


def test_a_time_out_is_not_told_as_the_end_of_the_script():
    first = errors(NODE_TIMEOUT)[0]
    assert first["message"] == "Plugin enabled"
    assert first["exit_code"] is None
    assert "whether the script ended, failed or still runs is not known" in first["meaning"]
    assert [cause["confidence"] for cause in first["causes"][1:]] == ["low"] * len(first["causes"][1:])


def test_a_handler_for_the_other_system_is_told_by_the_agents_own_words():
    first = errors(TERRAFORM_UNESCAPED)[0]
    assert first["title"] == "the agent could not process the extension"
    assert first["type"] == "CustomScript"


def test_codes_of_node_setup_are_told_from_its_own_table_and_its_set_is_never_changed():
    first = errors(FORMS["node-setup"][0])[0]
    assert first["title"] == "ERR_OUTBOUND_CONN_FAIL"
    assert (first["publisher"], first["type"]) == ("Microsoft.Azure.Extensions", "CustomScript")
    assert first["do"] == []


def test_commands_carry_the_sets_own_names_where_the_text_names_them():
    text = json.dumps(FORMS["activity-log"][0]).replace(
        "extension 'db-setup'", "extension 'db-setup' (publisher 'Microsoft.Azure.Extensions' and type 'CustomScript')"
    )
    first = errors(text)[0]
    assert any("--vmss-name vmss-web" in step and "-g rg-web" in step for step in first["do"])
    assert any("list-instances -g rg-web -n vmss-web" in step for step in first["next"])
    assert errors(json.dumps(FAILED))[0]["do"] == []


def test_people_get_the_innermost_error_first_and_the_wrappers_in_one_line():
    lines = explain(json.dumps(wrapped(1))).out.splitlines()
    assert lines[0].startswith("VMExtensionProvisioningError: db-setup exit 100: ")
    assert lines[-1] == (
        "Within   DeploymentFailed > Conflict > ResourceDeploymentFailure, which only says that something inside failed"
    ) or lines[-2].startswith("Within   DeploymentFailed > Conflict > ResourceDeploymentFailure")
    assert any(line.startswith("Next     vmext collect --extension CustomScript") for line in lines)


# ---- numbers and names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "title", "exit_code"),
    [
        (["127", "--extension", "CustomScript"], "A command was not found", 127),
        (["127"], "A command was not found", 127),
        (["0x80070643"], "ERROR_INSTALL_FAILURE as HRESULT (0x80070643)", 0x80070643),
        (["-1073741515"], "STATUS_DLL_NOT_FOUND (0xC0000135)", -1073741515),
        (["0xC0000135"], "STATUS_DLL_NOT_FOUND (0xC0000135)", 0xC0000135),
        (["3221225781"], "STATUS_DLL_NOT_FOUND (0xC0000135)", 0xC0000135),
        (["1618"], "ERROR_INSTALL_ALREADY_RUNNING", 1618),
        (["exit code: 1618"], "ERROR_INSTALL_ALREADY_RUNNING", 1618),
        (["50", "--extension", "vmssCSE"], "ERR_OUTBOUND_CONN_FAIL", 50),
        (["STATUS_DLL_NOT_FOUND"], "STATUS_DLL_NOT_FOUND", -1073741515),
        (["77", "--extension", "Acme.App.Thing"], "no meaning known", 77),
        (["999999"], "no meaning known", 999999),
        (["0"], "success", 0),
    ],
    ids=str,
)
def test_a_number_is_told_from_every_side(arguments: list[str], title: str, exit_code: int):
    (one,) = errors(*arguments)
    assert (one["title"], one["exit_code"]) == (title, exit_code)


def test_a_code_with_several_meanings_tells_them_all_and_none_as_certain():
    (one,) = errors("55", "--extension", "OmsAgentForLinux")
    assert len({cause["meaning"] for cause in one["causes"]}) == 5
    assert {cause["confidence"] for cause in one["causes"]} == {"low"}
    assert "Several meanings: only the text beside the code tells which one holds." in one["notes"]


@pytest.mark.parametrize(
    ("name", "system", "handler"),
    [
        ("ama", None, "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"),
        ("AMA", "windows", "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent"),
        ("CSE", None, "Microsoft.Azure.Extensions.CustomScript"),
        ("cse", "windows", "Microsoft.Compute.CustomScriptExtension"),
        ("customscriptextension", None, "Microsoft.Compute.CustomScriptExtension"),
        ("microsoft.azure.extensions.customscript", None, "Microsoft.Azure.Extensions.CustomScript"),
        ("MDE.Linux", None, "Microsoft.Azure.AzureDefenderForServers.MDE.Linux"),
        ("dsc", "linux", "Microsoft.OSTCExtensions.DSCForLinux"),
    ],
)
def test_an_extension_may_be_named_as_people_name_it(name: str, system: str | None, handler: str):
    (one,) = errors("1", "--extension", name, *(["--system", system] if system else []))
    assert (one["extension"], one["handler"]) == (name, handler)


def test_a_publisher_alone_is_told_what_is_known_of_it():
    (one,) = errors("51", "--extension", "Microsoft.Azure.Monitor")
    assert "It is the publisher of AzureMonitorLinuxAgent, AzureMonitorWindowsAgent." in one["notes"]
    assert one["next"] == ["vmext collect"]


def test_a_number_that_does_not_fit_eight_bits_is_of_windows():
    (one,) = errors("1618", "--extension", "CSE")
    assert one["handler"] == "Microsoft.Compute.CustomScriptExtension"
    assert "lock" in one["meaning"]


def test_signed_and_unsigned_are_one_number():
    (signed,), (unsigned,) = errors("-1"), errors("4294967295")
    assert signed["title"] == unsigned["title"]
    assert signed["causes"] == unsigned["causes"]


@pytest.mark.parametrize("number", ["1", "2", "3", "5"])
def test_what_any_script_may_end_with_is_only_perhaps_an_error_of_windows(number: str):
    (alone,) = errors(number, "--system", "windows")
    assert alone["confidence"] == "low"
    (script,) = errors(number, "--extension", "CSE", "--system", "windows")
    assert script["causes"][0]["id"] == "script-001-exit-code"
    assert {cause["confidence"] for cause in script["causes"][1:]} == {"low"}


@pytest.mark.parametrize(
    ("arguments", "heading"),
    [
        (["55", "--extension", "OMS"], "OMS exit 55: 5 possible meanings"),
        (["1009"], "code 1009: 2 possible meanings"),
    ],
)
def test_the_heading_names_none_of_several_meanings(arguments: list[str], heading: str):
    lines = explain(*arguments).out.splitlines()
    assert lines[0] == heading
    assert not any("or       probably" in line for line in lines)


def test_an_extension_of_the_other_system_is_told():
    (one,) = errors("51", "--extension", "AzureMonitorLinuxAgent", "--system", "windows")
    assert "AzureMonitorLinuxAgent is an extension for Linux." in one["notes"]


def test_a_finished_command_is_an_error_only_where_one_is_reported():
    (one,) = errors(
        "VM has reported a failure when processing extension 'w'. Error message: \"Finished executing command\""
    )
    assert (one["title"], one["exit_code"]) == ("the script ended with an error code", None)
    assert errors('{"code": "ProvisioningState/succeeded", "message": "Finished executing command"}') == []


def test_a_missing_status_file_is_no_missing_script():
    (one,) = errors(
        "VM has reported a failure when processing extension 'L'. Error message: \"Failed to get status file [Errno 2] No "
        "such file or directory: '/var/lib/waagent/Microsoft.Azure.Acme.L-1.0/status/1.status'\""
    )
    assert [cause["title"] for cause in one["causes"]] == ["the handler wrote no status"]


def test_what_fails_before_the_script_of_node_setup_is_told_in_the_words_of_custom_script():
    (one,) = errors(
        "VM has reported a failure when processing extension 'vmssCSE'. Error message: Enable failed: failed to get "
        "configuration: invalid configuration: 'commandToExecute' and 'script' were both specified"
    )
    assert (one["handler"], one["title"]) == ("Microsoft.AKS.Compute.AKS.Linux.AKSNode", "settings are wrong")


def test_the_agents_codes_are_no_exit_codes():
    (one,) = errors("1007")
    assert (one["agent_code"], one["exit_code"]) == (1007, None)


def test_a_code_of_the_platform_may_be_asked_for_by_its_name():
    (one,) = errors("VMExtensionHandlerNonTransientError")
    assert one["code"] == "VMExtensionHandlerNonTransientError"
    assert "does not try again" in one["meaning"]


# ---- lines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (apt)",
            "package manager locked",
        ),
        ("curl: (7) Failed connect to packages.microsoft.com:443; Connection timed out", "an address can't be reached"),
    ],
)
def test_a_line_of_a_log_is_explained(line: str, title: str):
    (one,) = errors(line)
    assert (one["kind"], one["title"]) == ("line", title)


@pytest.mark.parametrize(
    "text",
    [
        "hello world",
        "Dhcp client is not running",
        '{"value":[{"code":"ProvisioningState/succeeded","message":"[stderr]\\nE: Unable to locate package x"}]}',
    ],
)
def test_what_is_no_failure_is_told_as_none(text: str):
    assert errors(text) == []


def test_where_nothing_is_known_it_says_so_and_what_would_help():
    result = explain("hello world")
    assert result.code == 0
    assert result.out.startswith("Nothing is known of this text")
    assert "vmext collect" in result.out


# ---- where the text comes from, and what leaves --------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_and_a_pipe_of_any_encoding_are_read(tmp_path: Path, encoding: str):
    data = json.dumps(FAILED, indent=2).replace("\n", "\r\n").encode(encoding)
    file = tmp_path / "error.json"
    file.write_bytes(data)
    assert errors(file) == errors("-", text=data) == errors(text=data)
    assert errors(file)[0]["exit_code"] == 100


@pytest.mark.parametrize(
    "arguments",
    [[], ["-"], [""], [" "], ["--nope", "3"], ["--format", "xml", "3"], ["--system", "mac", "3"], ["logs/eror.json"]],
)
def test_without_text_or_with_wrong_options_it_says_what_is_missing(arguments: list[str]):
    result = explain(*arguments)
    assert result.code == 2
    assert "Error: " in result.err
    assert result.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="access is no matter of bits there")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path):
    file = tmp_path / "error.json"
    file.write_text("x")
    file.chmod(0)
    through = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    result = vmext("explain", file, through=through)
    assert (result.code, "error.json can't be read" in result.err) == (2, True)


def test_a_handler_that_the_agent_ended_is_told_as_a_time_limit():
    (one,) = errors(
        "The handler for VM extension type 'Contoso.Tool' has reported terminal failure for VM extension 'N' with error "
        "message: '[ExtensionOperationError] Timeout(300): /var/lib/waagent/Contoso.Tool-1.0/bin/x enable'."
    )
    assert (one["title"], one["operation"], one["exit_code"]) == ("time limit passed", "enable", None)


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_and_control_characters_do_not_come_out(form: str):
    secret = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789%3D"
    text = (
        "VM has reported a failure when processing extension 'x'. Error message: \"failed to download "
        f'https://a.blob.core.windows.net/c/f.sh?sv=2020-01-01&sr=b&sig={secret}&se=2030: \x1b]0;title\x07\x9b31m 403".'
    )
    out = explain("--format", form, text=text).out
    assert secret not in out
    assert not {"\x1b", "\x07", "\x9b"} & set(out)
    assert "a.blob.core.windows.net" in out


def test_a_console_that_shows_only_ascii_gets_an_answer():
    result = vmext("explain", "VM has reported a failure when processing extension 'größe'. Error message: '✗ Fehler'",
                   environ={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert result.code == 0
    assert "gr\\xf6\\xdfe" in result.out
