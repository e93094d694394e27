"""``vmext fleet collect`` without --execute: commands to paste."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest

from tests.collecting import vmext
from tests.fleet.stand_in import Azure, instance


@pytest.fixture
def azure(tmp_path):
    return Azure(tmp_path, instances=[instance(0, "Succeeded"), instance(3, "Failed"), instance(4, "Succeeded")])


def lines(azure, *arguments):
    result = vmext("fleet", "collect", azure.file(), "--os", "linux", *arguments)
    assert result.code == 0, result.err
    return [shlex.split(line) for line in result.out.splitlines() if line.startswith("az ")]


def test_managed(azure):
    commands = lines(azure)
    assert [command[3] for command in commands] == ["create", "show", "delete"] * 2
    assert [command[command.index("--instance-id") + 1] for command in commands] == ["3"] * 3 + ["0"] * 3
    assert len({command[command.index("--name") + 1] for command in commands}) == 1
    assert commands[0][commands[0].index("--location") + 1] == "westeurope"


def test_invoke_names_one_instance_each(azure):
    commands = lines(azure, "--method", "invoke", "--no-healthy")
    assert len(commands) == 1 and commands[0][3] == "invoke"
    assert lines(azure, "--method", "invoke", "--instances", "3, 4")[1][8:10] == ["--instance-id", "4"]


def test_what_is_printed_is_a_shell_script_that_makes_the_file(azure, tmp_path):
    text = vmext("fleet", "collect", azure.file(), "--os", "linux", "--since", "2h", "--method", "invoke").out
    begin, end = text.index("cat > "), text.index("\nVMEXT\n") + len("\nVMEXT\n")
    subprocess.run(["sh", "-c", text[begin:end]], cwd=tmp_path, check=True)
    script = (tmp_path / "vmext-collect.sh").read_text()
    assert "vmext collect --since 2h" in script
    assert subprocess.run(["sh", "-n", tmp_path / "vmext-collect.sh"], check=False).returncode == 0


def test_output_writes_the_script(azure, tmp_path):
    text = vmext("fleet", "collect", azure.file(), "--os", "windows", "--output", tmp_path / "out").out
    assert "cat >" not in text
    assert "Get-Command vmext" in (tmp_path / "out" / "vmext-collect.ps1").read_text()
    # PowerShell takes a bare @ for its own
    assert f' --script "@{tmp_path}/out/vmext-collect.ps1" ' in text


def test_nothing_to_do(azure):
    azure.instances = [instance(0, "Succeeded")]
    result = vmext("fleet", "collect", azure.file())
    assert (result.code, result.out) == (0, "# no instance to collect on: no failure or hang is known\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--os", "linux", "--instances", "77"), "no instance 77"),
        (("--os", "linux", "--instances", "3;rm"), "no name that Azure allows"),
        (("--os", "linux", "-g", "rg", "--subscription", 'a" & calc'), "no name that Azure allows"),
        (("--os", "linux", "--since", "yesterday"), "--since"),
        (("--os", "linux", "--margin", "x"), "--margin"),
        (("--os", "linux", "--timeout", "3h"), "90 minutes"),
        (("--os", "linux", "--upload", "https://u:secret@host"), "carries a password"),
        (("--os", "linux", "--upload", "https://host/?sig=abc"), "carries a password"),
        (("--os", "linux", "--upload", "host"), "no address"),
        (("--os", "linux", "--upload", "https://host", "--no-upload"), "can't be given together"),
        (("--os", "linux", "--format", "json"), "--execute"),
    ],
)
def test_slips_are_told_before_anything_is_asked(azure, arguments, told):
    result = vmext("fleet", "collect", azure.file(), *arguments)
    assert result.code == 2 and told in result.err and result.out == ""
    assert "secret" not in result.err


def test_a_file_that_does_not_tell_the_system(azure):
    for one in azure.instances:
        one["resources"][0] |= {"publisher": "Contoso", "typePropertiesType": "Agent"}
    result = vmext("fleet", "collect", azure.file())
    assert result.code == 2 and "Give --os linux or --os windows." in result.err


def test_no_token_can_be_given(azure):
    result = vmext("fleet", "collect", azure.file(), "--token", "abc")
    assert result.code == 2 and "No such option" in result.err


def test_a_file_without_names(azure, tmp_path):
    file = tmp_path / "query.json"
    rows = [{"instanceId": "3", "extension": ["customScript"], "extProvisioningState": ["Failed"]}]
    file.write_text(json.dumps(rows), encoding="utf-16")  # as PowerShell's > writes it
    result = vmext("fleet", "collect", file, "--os", "linux")
    assert result.code == 2 and "Give -g and -n." in result.err and str(file) in result.err
    result = vmext("fleet", "collect", file, "--os", "linux", "-g", "rg", "-n", "web")
    assert result.code == 0 and "--instance-id 3" in result.out


def test_a_flexible_set_is_asked_machine_by_machine(azure, tmp_path):
    file = tmp_path / "machines.json"
    own = "/subscriptions/s/resourceGroups/rg-flex/providers/Microsoft.Compute"
    machine = {
        "id": f"{own}/virtualMachines/flex_9c1d",
        "name": "flex_9c1d",
        "virtualMachineScaleSet": {"id": f"{own}/virtualMachineScaleSets/flex"},
        "resources": [
            {"id": f"{own}/virtualMachines/flex_9c1d/extensions/cse", "name": "cse", "provisioningState": "Failed"}
        ],
    }
    file.write_text(json.dumps([machine]))
    result = vmext("fleet", "collect", file, "--os", "linux", "--method", "invoke")
    assert "az vm run-command invoke -g rg-flex -n flex_9c1d --command-id RunShellScript" in result.out, result.err


def test_nodes_of_aks_are_asked_by_the_older_one(tmp_path):
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps([{"instanceId": "3", "extension": ["vmssCSE"], "extProvisioningState": ["Failed"]}]))
    names = ("-g", "MC_shop_k_weu", "-n", "aks-pool1-30771204-vmss")
    result = vmext("fleet", "collect", file, "--os", "linux", *names)
    assert "run-command invoke" in result.out and "create" not in result.out
    assert "AKS manages" in result.err
