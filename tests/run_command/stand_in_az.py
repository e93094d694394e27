"""Stands in for `az` on the quickstart's way: knows the commands of the page, and runs the script as Run Command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fleet.stand_in import SET, instance
from tests.run_command.azure import wrapped

#: Each command of the page with the options that it must have.
KNOWN = {
    ("vmss", "list-instances"): {"-g", "-n"},
    ("vmss", "run-command", "invoke"): {"-g", "-n", "--instance-id", "--command-id", "--scripts"},
    ("deployment", "group", "create"): {"-g", "-f", "--parameters"},
    ("sig", "gallery-application", "version", "show"): {"-g", "-r", "--application-name", "-n"},
    ("vmss", "application", "set"): {"-g", "-n", "--app-version-ids"},
    ("vmss", "update-instances"): {"-g", "-n", "--instance-ids"},
    ("vmss", "extension", "list"): {"-g", "--vmss-name"},
    ("vmss", "show"): {"-g", "-n"},
}


def main(words: list[str]) -> int:
    command = next((known for known in KNOWN if tuple(words[: len(known)]) == known), None)
    if command is None or not KNOWN[command] <= set(words):
        print(f"ERROR: {words}: no such command, or an option is missing", file=sys.stderr)
        return 2
    with Path(os.environ["AZ_CALLS"]).open("a") as calls:
        calls.write(" ".join(command) + "\n")
    if command[-1] == "list-instances":
        print(json.dumps([instance(0, "Succeeded"), instance(3, "Failed")]))
    elif command == ("vmss", "show"):
        disk = {"osDisk": {"osType": "Linux"}}
        profile = {"upgradePolicy": {"mode": "Manual"}, "virtualMachineProfile": {"storageProfile": disk}}
        print(
            json.dumps({"id": SET, "name": "web", "location": "westeurope", "orchestrationMode": "Uniform", **profile})
        )
    elif command[-1] == "invoke":
        script = words[words.index("--scripts") + 1]
        done = subprocess.run(["sh", script.removeprefix("@")], stdin=subprocess.DEVNULL, capture_output=True)
        message = wrapped(done.stdout, done.stderr)
        print(message if "value[0].message" in words else json.dumps({"value": [{"message": message}]}))
    elif command[-1] == "create":
        return parameters(
            json.loads(Path(words[words.index("-f") + 1]).read_text()), words[words.index("--parameters") + 1 :]
        )
    elif command[:2] == ("sig", "gallery-application"):
        print("/subscriptions/x/galleries/tools/applications/vmext-deb/versions/0.1.0")
    return 0


def parameters(template: dict[str, dict[str, object]], given: list[str]) -> int:
    """What the deployment refuses: a parameter that is not the template's, or one without a value that is not given."""
    names = {word.partition("=")[0] for word in given if word.partition("=")[2]}
    wanted = {name for name, told in template["parameters"].items() if "defaultValue" not in told}  # type: ignore[operator]
    return 0 if wanted <= names <= set(template["parameters"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
