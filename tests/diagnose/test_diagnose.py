"""Failures and what they are said to mean."""

from __future__ import annotations

import pytest

from collector.diagnose.diagnose import diagnose
from collector.model import Evidence, Failure, Finding, Identity, SystemFacts
from tests.diagnose.stories import AMA, CSE, NOW, WCSE, failure


def explained(one: Failure, system: str = "linux", **identity) -> Finding:
    (finding,) = diagnose([one], Identity(system, **identity), SystemFacts(live=False))  # type: ignore[arg-type]
    return finding


TABLE = [
    (CSE, "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (x)", 100, "linux", "package manager locked", "script"),
    (CSE, "E: Unable to locate package nginx-plus", 100, "linux", "package or repository not available", "script"),
    (AMA, "Install failed with exit code 56 because the package manager on the VM is currently locked", 56, "linux", "package manager locked", "guest"),
    ("Microsoft.CPlat.Core.RunCommandHandlerLinux", "mount: /datadrive: mount point does not exist.", 32, "linux", "disk can't be mounted", "script"),
    ("P.T", "WARNING: /var/lib/waagent is mounted with the noexec flag, which can prevent execution of VM Extensions.", 126, "linux", "/var is mounted noexec", "guest"),
    ("Microsoft.Azure.ActiveDirectory.AADSSHLoginForLinux", "Cannot access https://packages.microsoft.com/rocky/. HTTP Code: 403", 20, "linux", "package or repository not available", "network"),
    (CSE, "the license server answered: no seats left", 42, "linux", "the script ended with this code", "script"),
    (CSE, "something", 127, "linux", "a command is missing", "script"),
    (WCSE, "Command exited with code: -1073741515", -1073741515, "windows", None, "script"),
    (AMA, "wrong proxy: 'mode' is missing, Ran into config errors: x", 53, "linux", "settings are wrong", "guest"),
    (AMA, "SyntaxError: invalid syntax", 1, "linux", "syntax error in the script", "extension"),
    (AMA, "Failed to get MSI token from IMDS endpoint", 53, "linux", "managed identity problem", "guest"),
    ("P.T", "Segmentation fault (core dumped)", 139, "linux", "Segmentation fault", "guest"),
    ("Microsoft.Compute.JsonADDomainExtension", "Try join: domain='x', (#3:User Specified), errCode='1355'.", 53, "windows", None, "network"),
]  # fmt: skip


@pytest.mark.parametrize(("extension", "message", "code", "system", "title", "owner"), TABLE, ids=range(len(TABLE)))
def test_what_it_means_and_whose_it_is(extension, message, code, system, title, owner):
    finding = explained(failure(extension, message, exit_code=code), system)
    assert finding.owner == owner
    assert title is None or finding.title == title
    assert finding.meaning
    assert finding.remedy


def test_a_missing_dll_is_named_by_its_symbol():
    finding = explained(failure(WCSE, "x", exit_code=-1073741515), "windows")
    assert "STATUS_DLL_NOT_FOUND" in finding.title


def test_a_code_with_several_meanings_is_not_told_as_certain():
    oms = "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux"
    finding = explained(failure(oms, "Install failed", exit_code=55, version=None, operation=None))
    assert finding.confidence == "low"
    assert finding.meaning.startswith("One of: ")


def test_what_no_one_knows_is_said_to_be_unexplained():
    finding = explained(failure("Acme.App", "zzz qqq", exit_code=77))
    assert (finding.id, finding.confidence) == ("unexplained", "low")


def test_the_root_cause_comes_first_and_what_follows_last():
    root = failure(CSE, "E: Unable to locate package x", exit_code=100)
    follows = failure(AMA, "Dependent Extension did not succeed", kind="warning", caused_by=CSE)
    hang = failure("P.T", "does not end", kind="hang", hang_since=NOW)
    unreadable = failure("P.S", "status file", agent_code=1012, first_time=NOW.replace(year=2025))
    findings = diagnose([follows, hang, unreadable, root], Identity("linux"), SystemFacts(live=False))
    assert [finding.failure for finding in findings] == [root, unreadable, hang, follows]
    assert findings[-1].owner == "script"


def test_evidence_explains_where_the_telling_line_does_not():
    line = Evidence("x/stderr", 4, None, "/bin/sh: 1: nc: not found")
    finding = explained(failure(CSE, "did not reach a terminal state", kind="hang", evidence=(line,)))
    assert (finding.title, finding.owner) == ("a command is missing", "script")


def test_commands_carry_the_sets_own_names():
    finding = explained(failure(CSE, "x", exit_code=1), scale_set="vmss-web", resource_group="rg-web", instance_id="12")
    assert any("--vmss-name vmss-web" in step and "-g rg-web" in step for step in finding.do)
    assert any("update-instances" in step and "--instance-ids 12" in step for step in finding.do)
    alone = explained(failure(CSE, "x", exit_code=1))
    assert not any("vmss" in step for step in alone.do)
