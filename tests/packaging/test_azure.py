"""What puts vmext on a whole scale set: every template against Azure's own models, every script run."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.mgmt.compute.models as compute
import azure.mgmt.imagebuilder.models as imagebuilder
import pytest
import yaml

from tests.lint.checking import problems
from tests.run_command.machine import Machine, debian
from tests.run_command.server import serving, sha256

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="chroots, and tools of Linux")

FOLDER = Path(__file__).parents[2] / "packaging/azure"
TEMPLATES = sorted(FOLDER.glob("*.json"))
CLOUD_INIT = FOLDER / "cloud-init.yaml"
MODELS: dict[str, Any] = {
    "Microsoft.Compute/galleries/applications": compute.GalleryApplication,
    "Microsoft.Compute/galleries/applications/versions": compute.GalleryApplicationVersion,
    "Microsoft.Compute/virtualMachineScaleSets/extensions": compute.VirtualMachineScaleSetExtension,
    "Microsoft.VirtualMachineImages/imageTemplates": imagebuilder.ImageTemplate,
}
TEMPLATE_KEYS = {"type", "apiVersion", "name", "location", "dependsOn", "identity", "properties"}


# ---- the templates -------------------------------------------------------------------------------------


def strange(value: Any, model: Any, where: str) -> Iterator[str]:
    """Properties that the model of Azure's own library does not have, and missing required ones."""
    kinds = getattr(model, "__mapping__", {})
    model = kinds.get(value.get("type"), model)
    known = {
        field._rest_name_input or name: (name, owner)
        for owner in reversed(model.__mro__)
        for name, field in vars(owner).items()
        if type(field).__name__ == "_RestField"
    }
    for key, inner in value.items():
        if key not in known:
            yield f"{where}.{key}"
            continue
        name, owner = known[key]
        told = str(owner.__annotations__.get(name, ""))
        found = re.search(r"_models\.(\w+)", told)
        if not found:
            continue
        kind = getattr(sys.modules[owner.__module__.rsplit(".", 2)[0] + ".models"], found[1], None)
        if kind is None or not hasattr(kind, "__mro__") or issubclass(kind, str):
            continue
        for number, each in enumerate(inner if isinstance(inner, list) else [inner]):
            if isinstance(each, dict) and "dict[" not in told.lower():
                yield from strange(each, kind, f"{where}.{key}[{number}]")


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_every_property_is_one_that_azure_knows(file: Path):
    resources = json.loads(file.read_text())["resources"]
    assert resources
    for resource in resources:
        assert resource.keys() <= TEMPLATE_KEYS
        body = {
            "properties": resource["properties"],
            **({"identity": resource["identity"]} if "identity" in resource else {}),
        }
        assert list(strange(body, MODELS[resource["type"]], resource["type"])) == []
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", resource["apiVersion"])
        # types and names have as many parts
        assert resource["name"].count("/") == resource["type"].count("/") - 1


def test_a_misspelt_property_is_found():
    resource = json.loads((FOLDER / "vm-application.json").read_text())["resources"][1]
    resource["properties"]["publishingProfile"]["manageActions"]["instal"] = "x"
    found = list(strange({"properties": resource["properties"]}, compute.GalleryApplicationVersion, ""))
    assert [one.rsplit(".", 1)[1] for one in found] == ["instal"]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_every_expression_names_what_is_there(file: Path):
    text = file.read_text()
    document = json.loads(text)
    assert document["$schema"].endswith("deploymentTemplate.json#")
    for kind in ("parameters", "variables"):
        used = set(re.findall(rf"{kind}\('(\w+)'\)", text))
        assert used == set(document.get(kind, {})), kind
    for expression in re.findall(r'"\[(.*?)\]"', text):
        assert expression.count("(") == expression.count(")"), expression
        assert expression.count("'") % 2 == 0, expression


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_our_own_practices_hold(file: Path):
    assert [one.id for one in problems(file.read_text()) if one.severity != "info"] == []


# ---- what runs on the instance -------------------------------------------------------------------------


def installer() -> str:
    (_, file) = yaml.safe_load(CLOUD_INIT.read_text())["write_files"]
    assert file["path"] == "/usr/local/sbin/vmext-install"
    return str(file["content"])


def test_cloud_init_takes_the_document():
    assert shutil.which("cloud-init"), "cloud-init is not on this machine; .ci/run installs it"
    checked = subprocess.run(["cloud-init", "schema", "--config-file", CLOUD_INIT], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    document = yaml.safe_load(CLOUD_INIT.read_text())
    ((program, address, hash_),) = document["runcmd"]
    assert program == "/usr/local/sbin/vmext-install"
    assert address.endswith(".deb")
    assert len(hash_) == 64


def test_shellcheck_has_nothing_to_say(tmp_path: Path):
    (tmp_path / "install.sh").write_text(installer())
    checked = subprocess.run(["shellcheck", tmp_path / "install.sh"], capture_output=True, text=True)
    assert checked.stdout == ""


RECORD = (
    '#!/bin/sh\necho "${0##*/} $*" >>/tmp/called\nfor last; do :; done\n[ ! -f "$last" ] || cat "$last" >>/tmp/called\n'
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if os.geteuid() != 0:
        pytest.skip("makes chroots, as root")
    machine = debian(tmp_path / "machine", ["curl", "mktemp", "base64", "cp", "bash"])
    for name in ("apt-get", "rpm", "systemctl"):
        machine.put(name, RECORD)
    return machine


def in_machine(machine: Machine, *command: str) -> subprocess.CompletedProcess[str]:
    inner = 'mount --bind /dev/null "$0/dev/null"; exec chroot "$0" "$@"'
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", inner, str(machine.root), *command],
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize(
    ("name", "tool"), [("vmext_0.1.0-1_amd64.deb", "apt-get"), ("vmext-0.1.0-1.x86_64.rpm", "rpm")]
)
def test_the_installer_of_cloud_init_checks_and_installs(machine: Machine, name: str, tool: str):
    data = b"a package\n"
    (machine.root / "etc/install.sh").write_text(installer())
    with serving(data) as server:
        address = server.url.partition("/vmext")[0] + "/" + name
        # a signed address is the usual one
        done = in_machine(machine, "sh", "/etc/install.sh", address + "?sv=2024.1&sig=a%2Fb", sha256(data))
        assert done.returncode == 0, done.stderr
        called = (machine.root / "tmp/called").read_text()
        assert called.startswith(f"{tool} ")
        assert "a package\n" in called
        assert called.endswith("systemctl enable --now vmext.service\n")
        (machine.root / "tmp/called").unlink()
        wrong = in_machine(machine, "sh", "/etc/install.sh", address, "0" * 64)
    assert wrong.returncode != 0
    assert not (machine.root / "tmp/called").exists(), "nothing of an unknown package is run"
    assert not list(machine.root.glob("var/lib/vmext-install.*"))


def test_the_command_of_the_custom_script_runs_the_installer(machine: Machine):
    """The expression, put together as the platform does."""
    settings = json.loads((FOLDER / "custom-script.json").read_text())["resources"][0]["properties"]
    assert settings["settings"] == {}, "nothing in the public part"
    parts = re.findall(r"'([^']*)'(?=[,)])|parameters\('(\w+)'\)", settings["protectedSettings"]["commandToExecute"])
    data = b"a package\n"
    with serving(data) as server:
        values = {
            "installer": base64.b64encode(installer().encode()).decode(),
            "packageUri": server.url.partition("/vmext")[0] + "/vmext.deb?sv=2024.1&sig=a%2Fb",
            "packageSha256": sha256(data),
        }
        command = "".join(values[name] if name else text for text, name in parts if name or text not in values)
        done = in_machine(machine, "sh", "-c", f"cd /tmp && {command}")
    assert done.returncode == 0, done.stderr
    assert "apt-get" in (machine.root / "tmp/called").read_text()


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_the_commands_of_the_vm_application_run(machine: Machine, kind: str):
    """As its handler does: bash, in the folder with the package and the configuration under the names of the template."""
    document = json.loads((FOLDER / "vm-application.json").read_text())
    settings = document["resources"][1]["properties"]["publishingProfile"]["settings"]
    folder = machine.root / "tmp/application"
    folder.mkdir()
    (folder / f"vmext.{kind}").write_text("a package\n")
    (folder / settings["configFileName"]).write_text("upload_url = 'x'\n")
    for action in ("install", "remove"):
        done = in_machine(machine, "bash", "-c", f"cd /tmp/application && {document['variables'][action][kind]}")
        assert done.returncode == 0, done.stderr
    config = machine.root / "etc/vmext/config.toml"
    assert config.read_text() == "upload_url = 'x'\n"
    assert config.stat().st_mode & 0o777 == 0o600
    called = (machine.root / "tmp/called").read_text()
    assert "a package\n" in called
    assert called.splitlines()[-1] in ("apt-get -o DPkg::Lock::Timeout=600 purge -y vmext", "rpm -e vmext")


def test_the_windows_commands_name_the_files_of_the_template():
    document = json.loads((FOLDER / "vm-application.json").read_text())
    settings = document["resources"][1]["properties"]["publishingProfile"]["settings"]
    assert settings["packageFileName"] == "[concat('vmext.', parameters('package'))]"
    assert (
        document["variables"]["install"]["msi"] == 'msiexec /i vmext.msi /qn /norestart VMEXTCONFIG="%CD%\\vmext.toml"'
    )
    assert document["variables"]["remove"]["msi"].startswith("msiexec /x vmext.msi")
