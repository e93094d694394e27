"""The commands that are printed, and the warnings where they do not help."""

from __future__ import annotations

import pytest

from collector.diagnose.diagnose import diagnose
from collector.model import Identity
from tests.diagnose.stories import AMA, CSE, WCSE, facts, failure, hang

SET = Identity("linux", resource_group="rg-web", scale_set="web", instance_id="12", instance_name="web_12")
ALONE = Identity("linux", resource_group="rg-web", instance_name="db-1")
NODE = Identity("linux", resource_group="MC_shop_weu", scale_set="aks-pool1-30771204-vmss", instance_id="3",
                computer_name="AKS-pool1-30771204-vmss000003")  # fmt: skip
PANIC = "panic: runtime error: invalid memory address or nil pointer dereference"


def steps(failed, identity):
    (finding,) = diagnose([failed], identity, facts())
    return finding


def test_a_script_is_run_again_and_never_reinstalled():
    finding = steps(failure(CSE, "no seats left", exit_code=42), SET)
    assert finding.do[0].startswith(
        "az vmss extension set -g rg-web --vmss-name web --publisher Microsoft.Azure.Extensions -n CustomScript "
        "--version 2.1 --force-update --settings @settings.json --protected-settings @protected.json"
    )
    assert "never given back" in finding.do[0]
    assert finding.do[1].startswith("az vmss update-instances -g rg-web -n web --instance-ids 12")
    assert "Manual" in finding.do[1]
    assert not any("delete" in step for step in finding.do)
    assert "reinstall" in finding.dont


def test_a_crashed_handler_is_taken_off_and_set_again():
    finding = steps(failure(CSE, PANIC), SET)
    assert [step.split(" -g")[0] for step in finding.do] == [
        "az vmss extension delete",
        "az vmss update-instances",
        "az vmss extension set",
        "az vmss update-instances",
    ]
    assert "NAME-IN-THE-MODEL" in finding.do[0]
    assert "az vmss extension list" in finding.do[0]


def test_a_script_that_told_its_code_needs_no_other_handler():
    finding = steps(failure(WCSE, "x", exit_code=1603), Identity("windows"))
    assert finding.id == "windows-004-installer-failed"
    assert [step.split(" -g")[0] for step in finding.do] == ["az vm extension set"]
    assert "reinstall" in finding.dont


def test_a_single_machine_has_no_set():
    finding = steps(failure(CSE, PANIC), ALONE)
    assert [step.split(" -g")[0] for step in finding.do] == ["az vm extension delete", "az vm extension set"]


def test_a_set_of_aks_is_never_changed():
    for failed in (failure(CSE, PANIC), failure(CSE, "x", exit_code=1), failure(AMA, "Read-only file system")):
        finding = steps(failed, NODE)
        assert not any("az vmss" in step for step in finding.do)
        drain, delete = finding.do
        assert drain.startswith("kubectl drain aks-pool1-30771204-vmss000003 ")
        assert "-n pool1 --machine-names aks-pool1-30771204-vmss000003 " in delete


def test_what_must_be_corrected_first_is_not_reinstalled_before():
    finding = steps(failure(AMA, "write error: No space left on device"), SET)
    assert finding.dont == "reinstall it before that is corrected: it would fail again"


def test_only_this_instance_is_made_anew():
    finding = steps(failure(AMA, "OSError: [Errno 30] Read-only file system: '/var/lib/waagent'"), SET)
    assert finding.do == ("az vmss reimage -g rg-web -n web --instance-ids 12",)


def test_what_passes_by_itself_is_not_said_to_fail_again():
    busy = steps(failure(WCSE, "Another installation is already in progress", exit_code=1618), Identity("windows"))
    assert busy.dont == ""
    assert "fail again" in steps(failure(WCSE, "x", exit_code=5), Identity("windows")).dont


def test_a_health_probe_is_no_reason_to_set_the_extension_again():
    health = "Microsoft.ManagedServices.ApplicationHealthLinux"
    finding = steps(failure(health, "Application found to be unhealthy"), SET)
    assert (finding.id, finding.do) == ("handler-007-application-unhealthy", ())
    assert "only says" in finding.dont


def test_a_hang_is_looked_at_first():
    assert "looked at" in steps(hang(WCSE), SET).dont


def test_unknown_names_are_placeholders_and_odd_ones_are_quoted():
    assert "-g RESOURCE-GROUP --vm-name INSTANCE " in steps(failure(AMA, PANIC), Identity("linux")).do[-1]
    odd = Identity("linux", resource_group="a b;c", scale_set="web", instance_id="1")
    assert "-g 'a b;c' " in steps(failure(CSE, "x", exit_code=1), odd).do[0]


@pytest.mark.parametrize(
    "extension", ["Microsoft.CPlat.Core.RunCommandLinux", "Microsoft.CPlat.Core.RunCommandWindows"]
)
def test_a_run_command_is_asked_for_anew(extension):
    assert steps(failure(extension, "x", exit_code=1), SET).do == ()
