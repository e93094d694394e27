"""The files that an operator takes: the compose file against its schema, the unit against systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from collector.cli.endpoint import command

FOLDER = Path(__file__).parents[2] / "packaging" / "endpoint"


def _is_compose_file(file: Path) -> bool:
    tried = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    result = subprocess.run(tried, capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0


def test_the_compose_file_is_one():
    assert _is_compose_file(FOLDER / "compose.yaml")


def test_the_schema_refuses_what_is_no_compose_file(tmp_path: Path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((FOLDER / "compose.yaml").read_text().replace("  endpoint:\n", "  endpoint:\n    portz: [1]\n", 1))
    assert not _is_compose_file(wrong)


def test_the_compose_file_names_files_that_are_there_or_told_of():
    text = (FOLDER / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    build = compose["services"]["endpoint"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).is_file()
    named = [secret["file"] for secret in compose["secrets"].values()]
    head = text.split("name: vmext")[0]
    assert all(name in head for name in [*named, *compose["services"]["endpoint"]["env_file"]])
    assert (FOLDER / compose["configs"]["proxy"]["file"]).is_file()


def test_every_variable_and_option_is_one_that_the_endpoint_reads():
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["endpoint"]
    examples = (FOLDER / "endpoint.env").read_text()
    names = {*re.findall(r"^# (VMEXT_\w+)=", examples, re.M), *compose["environment"]} - {"PGPASSFILE"}
    read = {str(parameter.envvar) for parameter in command.params if parameter.envvar}
    assert len(names) > 2 and names <= read | {"VMEXT_ENDPOINT_OPTIONS"}
    assert "$VMEXT_ENDPOINT_OPTIONS" in (FOLDER / "vmext-endpoint.service").read_text()
    options = {*re.findall(r"--[a-z-]+", examples), *(one for one in compose["command"] if one.startswith("--"))}
    assert len(options) > 2 and options <= {flag for parameter in command.params for flag in parameter.opts}


def test_the_unit_is_sound_and_confined(tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is missing. Install it: apt-get install systemd")
    program = tmp_path / "vmext"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "vmext-endpoint.service"
    unit.write_text(
        (FOLDER / "vmext-endpoint.service").read_text().replace("/opt/vmext-endpoint/bin/vmext", str(program))
    )
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    options = ["--offline=true", "--threshold=15", "--no-pager"]  # 1.5 of 10
    secure = subprocess.run(["systemd-analyze", "security", *options, unit], capture_output=True, text=True)
    assert secure.returncode == 0, secure.stdout
