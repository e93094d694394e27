"""``vmext lint`` as it is called: what it prints, how it ends, what it reads."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from collector.cli.lint import command
from collector.errors import ConfigError
from tests.lint.checking import LINUX, one, run_command

GOOD = one(LINUX, {}, {"commandToExecute": "./a.sh"})
BAD = one(LINUX, {"commandToExecute": "./a.sh --password Hidden12345"}, forceUpdateTag=...)


def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments, input=stdin, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.output


def test_nothing_wrong(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(GOOD))
    assert run(str(tmp_path / "a.json")) == (0, f"{tmp_path / 'a.json'}: nothing to complain about in 1 extension\n")
    assert run("-", stdin='{"contentVersion": "1.0.0.0", "resources": []}') == (
        0,
        "standard input: no extension and no Run Command is in it\n",
    )


def test_a_problem_is_told_in_a_block():
    code, text = run("-", stdin=json.dumps(BAD, indent=1))
    assert code == 10
    lines = text.splitlines()
    assert lines[0] == "standard input: 1 error, 1 note in 1 extension"
    assert lines[2] == "error: A secret stands in a public command [secret-in-command]"
    assert lines[3] == "  where   standard input:15: resources[0].properties.settings.commandToExecute (one)"
    assert [line[2:8].strip() for line in lines[3:8]] == ["where", "what", "why", "do", "source"]
    assert "Hidden12345" not in text


def test_notes_alone_are_no_failure():
    code, text = run("-", stdin=json.dumps(one(LINUX, {"commandToExecute": "./a.sh"}, forceUpdateTag=...)))
    assert (code, text.splitlines()[0]) == (0, "standard input: 1 note in 1 extension")


def test_json_is_for_programs():
    code, text = run("-", "--format", "json", stdin=json.dumps(BAD, indent=1))
    document = json.loads(text)
    assert (code, document["file"]) == (10, "standard input")
    assert set(document["problems"][0]) == {
        *("id", "severity", "place", "line", "extension", "message", "remedy", "source"),
    }
    assert "Hidden12345" not in text


def test_no_value_of_a_secret_is_printed():
    secrets = {
        "commandToExecute": "Hidden-Program0 --password Hidden12345; Hidden12345 | passwd; Restart-Computer Hidden12345",
        "storageAccountKey": "Hidden12345",
        "timestamp": "Hidden12345",
        "fileUris": ["http://user:Hidden12345@x/a?sig=Hidden1234567890&se=2020-01-01"],
    }
    for document in (one(LINUX, secrets), one(LINUX, {}, secrets), run_command("echo Hidden12345 | sudo -S reboot")):
        for form in ("text", "json"):
            assert "Hidden12345" not in run("-", "--format", form, stdin=json.dumps(document))[1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_files_in_the_encodings_that_windows_makes(tmp_path, encoding, line_end):
    text = "// übersicht\n" + json.dumps(BAD, indent=1)
    (tmp_path / "a.json").write_bytes(text.replace("\n", line_end).encode(encoding))
    code, output = run(str(tmp_path / "a.json"), "--format", "json")
    assert (code, json.loads(output)["problems"][0]["line"]) == (10, 16)


def test_many_places_of_one_rule_are_counted():
    scripts = one(
        LINUX, {"fileUris": [f"http://x/{number}.sh" for number in range(40)]}, {"commandToExecute": "./a.sh"}
    )
    text = run("-", stdin=json.dumps(scripts))[1]
    assert text.count("  where ") == 10 and "and 30 more places (--format json has all)" in text


def test_names_from_the_file_do_not_steer_the_terminal():
    document = one(LINUX, {"commandToExecute": "./a.sh", "\x1b[2Jx": 1})
    assert "\x1b" not in run("-", stdin=json.dumps(document))[1]


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "nothing in it", "template"),
        ('{\n "a": }', "line 2, column 7", "comments are allowed"),
        ("param vmName string\nresource vm 'x@y' = {\n}", "Bicep source", "az bicep build --stdout"),
        ("// made by hand\n@description('x')\nparam a string\n", "Bicep source", "vmext lint -"),
        ("using './main.bicep'\nparam a = 'x'\n", "Bicep source", "vmext lint -"),
        ("[]", "in this list", "az vmss show"),
        ("3", "no object", "az vmss show"),
        ('{"a": 1}', "not clear what this is", "--extension"),
        ('{"$schema": "x/deploymentParameters.json#", "parameters": {}}', "parameters file", "--parameters"),
    ],
)
def test_what_can_not_be_checked_is_said_with_what_to_do(text, says, hint):
    with pytest.raises(ConfigError, match="standard input") as caught:
        run("-", stdin=text)
    assert caught.value.exit_code == 2
    assert says in str(caught.value) and hint in caught.value.hint


def test_files_that_are_not_there_or_no_text(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(128, 256)) * 20)
    for path in (tmp_path, tmp_path / "none", tmp_path / "a"):
        with pytest.raises(ConfigError, match=str(path)):
            run(str(path))


def test_settings_with_their_protected_part(tmp_path):
    (tmp_path / "settings.json").write_text('{"timestamp": 1}')
    (tmp_path / "protected.json").write_text('{"commandToExecute": "apt-get install x"}')
    arguments = [str(tmp_path / "settings.json"), "--extension", LINUX]
    assert run(*arguments)[0] == 0
    code, text = run(*arguments, "--protected", str(tmp_path / "protected.json"))
    assert code == 10 and ": --protected: commandToExecute (" in text


def test_a_parameters_file(tmp_path):
    document = one(LINUX, {"commandToExecute": "[parameters('c')]"})
    document["parameters"] = {"c": {"type": "string"}}
    (tmp_path / "p.json").write_text('{"parameters": {"c": {"value": "reboot"}}}')
    assert run("-", stdin=json.dumps(document))[0] == 0
    assert run("-", "--parameters", str(tmp_path / "p.json"), stdin=json.dumps(document))[0] == 10
    (tmp_path / "p.json").write_text("[]")
    with pytest.raises(ConfigError, match="no parameters"):
        run("-", "--parameters", str(tmp_path / "p.json"), stdin=json.dumps(document))


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", "--protected", "b"),
        ("a", "--parameters", "b", "--extension", "A.B"),
        ("a", "--extension", "CustomScript"),
        ("-", "--extension", "A.B", "--protected", "-"),
    ],
)
def test_options_that_do_not_go_together(arguments):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2 and "Error: " in result.output
