"""``vmext rules``: everything that is known can be looked up, and the page of it is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.cli import group
from collector.cli.rules_page import page
from collector.diagnose.rules import rules

DOCS = Path(__file__).parents[2] / "docs"


def run(*arguments: str):
    return CliRunner().invoke(group, ["rules", *arguments], color=False)


def test_the_page_is_up_to_date():
    """Else: vmext rules list --format markdown > docs/rules.md"""
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == page() + "\n"


def test_the_page_has_every_rule_with_its_source():
    text = page()
    for rule in rules():
        assert f"### {rule.id}\n" in text
        assert rule.source in text
        assert rule.healthy in text


def test_the_list_has_every_rule_with_its_source():
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines[::2]] == [rule.id for rule in rules()]
    assert [line.strip() for line in lines[1::2]] == [rule.source for rule in rules()]


def test_the_list_for_programs():
    told = json.loads(run("list", "--format", "json").output)["rules"]
    assert [rule["id"] for rule in told] == [rule.id for rule in rules()]
    assert {"title", "owner", "severity", "meaning", "remedy", "healthy", "source", "confidence"} <= set(told[0])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (rules()[0].id, rules()[0].healthy),
        ("cse-nonzero-exit", "script-failed"),
        ("noise-resource-gone", "noise"),
        ("windows-agent-enable", "chef-partners/azure-chef-extension#9"),
        ("cse-idempotent", "Script must be safe to run twice"),
        ("sas-expires-soon", "while older ones stay healthy"),
        ("msi:1618", "ERROR_INSTALL_ALREADY_RUNNING"),
        ("MSI:1618", "ERROR_INSTALL_ALREADY_RUNNING"),
        ("code-azuremonitorlinuxagent-56", "DPKGOrRPMLockedErrorCode"),
        ("ntstatus:-1073741515", "STATUS_DLL_NOT_FOUND"),
    ],
)
def test_one_thing_is_shown(name: str, told: str):
    result = run("show", name)
    assert result.exit_code == 0
    assert " ".join(told.split()) in " ".join(result.output.split())
    (row,) = json.loads(run("show", name, "--format", "json").output)
    assert row["source"]


def test_every_meaning_of_a_code_is_shown():
    rows = json.loads(
        run("show", "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux:55", "--format", "json").output
    )
    assert len(rows) == 5


@pytest.mark.parametrize("code", ["127", "-1073741515"])
def test_a_code_alone_is_sent_to_what_explains_it(code: str):
    result = run("show", "--", code)
    assert result.exit_code == 2
    assert f"vmext explain {code}" in result.output


def test_what_is_not_known_is_said_with_what_is_near():
    result = run("show", "apt-loc")
    assert result.exit_code == 2
    assert "nothing is known under 'apt-loc'. Near it: apt-lock" in result.output
