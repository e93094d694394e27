"""The matrix, what differs, and the commands: as values, without an index."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from collector.endpoint.pages.scale_set import scale_set_view
from collector.endpoint.pages.templates import Pages
from collector.endpoint.reading.advising import advised
from collector.endpoint.reading.differences import differing
from collector.endpoint.reading.expected import Listed, parsed
from collector.endpoint.reading.matrix import Whole
from collector.endpoint.reading.members import Cell, Member, Outcome, joined, matrix, outcome_of
from tests.endpoint import demo_site

NOW = datetime(2026, 11, 26, 11, tzinfo=timezone.utc)
SCRIPT, MONITOR = demo_site.SCRIPT, demo_site.MONITOR


def member(
    number: int, outcome: Outcome = "well", code: int | None = None, *, monitor: Cell | None = None, **traits: str
) -> Member:
    """Instance `number` of vmss-web."""
    cells = {SCRIPT: Cell(outcome, code, "2.1.19")} | ({MONITOR: monitor} if monitor else {})
    verdict = {"failed": "failed", "hanging": "hanging"}.get(outcome, "healthy")
    return Member(f"vmss-web_{number}", f"{number:016x}", str(number), verdict, cells, traits, "b" * 16, NOW, "linux")


def whole(members: tuple[Member, ...], listed: Listed | None = None, name: str | None = "vmss-web") -> Whole:
    return Whole(1, "a" * 16, name, "rg-web", demo_site.SUBSCRIPTION, NOW, members, len(members), listed, None)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("failed", "failed"),
        ("error", "failed"),
        ("notready", "failed"),
        ("hanging", "hanging"),
        ("transitioning", "busy"),
        ("success", "well"),
        ("ready", "well"),
        ("odd", "unknown"),
    ],
)
def test_words_of_state_files_are_outcomes(told: str, expected: Outcome):
    assert outcome_of(told) == expected


def test_what_follows_from_a_hang_makes_no_failed_instance():
    """The lists count an instance by its verdict, and so does its scale set's page."""
    waiting = member(1, "hanging", monitor=Cell("failed", None))
    assert waiting.outcome == "hanging"
    values = scale_set_view(whole((waiting, member(2))), [], 0, NOW, address="https://e")
    assert values["headline"] == "1 hanging of 2 instances"


def test_alike_instances_share_a_row_and_the_gravest_comes_first():
    drawn = matrix(
        [
            *(member(number) for number in range(600)),
            *(member(number, "hanging") for number in range(600, 602)),
            *(member(number, "failed", 127) for number in range(602, 605)),
            member(700, "failed", 100),
            member(701, monitor=Cell("failed", 52)),
        ]
    )
    assert drawn.extensions == (SCRIPT, MONITOR)
    rows = [(row.outcome, row.cells[0].exit_code, len(row.members)) for row in drawn.rows]
    assert rows == [
        ("failed", 127, 3),
        ("failed", 100, 1),
        ("failed", None, 1),
        ("hanging", None, 2),
        ("well", None, 600),
    ]
    assert drawn.rows[0].cells[1].outcome == "absent"
    assert len({row.id for row in drawn.rows}) == 5


def test_an_instance_is_found_on_the_list_by_number_name_or_computer():
    listed = parsed(demo_site.listing("vmss-web", 5)).instances
    reported = [
        member(0),
        Member("vmss-web_1", "1" * 16, None, "healthy"),
        Member("VMSSWEB000002", "2" * 16, None, "healthy"),
    ]
    found = joined(reported, listed)
    assert {one.label: one.listed.id for one in found if one.listed} == {
        "vmss-web_0": "0",
        "vmss-web_1": "1",
        "VMSSWEB000002": "2",
        "vmss-web_3": "3",
        "vmss-web_4": "4",
    }
    assert [one.label for one in found if one.is_silent] == ["vmss-web_3", "vmss-web_4"]


def test_the_difference_is_told_with_its_figures():
    members = [
        *(member(number, "failed", 127, image="a:b:2", zone=str(number % 3)) for number in range(37)),
        *(member(number, image="a:b:1", zone=str(number % 3)) for number in range(37, 40)),
    ]
    (found,) = differing(members, SCRIPT)
    assert [one.sentence for one in found.found] == [
        "Image 2: all 37 failed ones, none of 3 healthy ones; most healthy ones have 1."
    ]
    assert not found.found[0].weak
    assert found.found[0].of_failed
    assert (
        found.summary == "Compared: the 37 on which CustomScript failed and 3 healthy ones. A difference is no cause."
    )


def test_few_to_compare_with_are_called_weak():
    members = [*(member(number, "failed", 1, zone="2") for number in range(9)), member(10, zone="1")]
    (found,) = differing(members, SCRIPT)
    assert found.found[0].weak
    assert found.summary.endswith("With fewer than 3 on a side this may be chance.")


def test_no_difference_and_nothing_to_compare_with_are_said():
    alike = [
        *(member(n, "failed", 1, zone=str(n % 2)) for n in range(8)),
        *(member(n, zone=str(n % 2)) for n in range(8)),
    ]
    assert differing(alike, SCRIPT)[0].summary.startswith("Nothing differs clearly between the 8 on which")
    failed = [member(number, "failed", 1) for number in range(3)]
    assert differing(failed, SCRIPT)[0].summary.startswith("Nothing to compare with")
    lacking = [
        *failed,
        *(Member(f"web_{n}", f"{n:016x}", str(n), "healthy", {MONITOR: Cell("well", None, "1.0")}) for n in range(3)),
    ]
    assert (
        "CustomScript 2.1.19: all 3 failed ones, none of 3 healthy ones; most healthy ones have no CustomScript."
        in [one.sentence for one in differing(lacking, SCRIPT)[0].found]
    )
    hang = [*(member(n, "hanging") for n in range(3)), *(member(n) for n in range(3, 6))]
    assert "the 3 on which CustomScript hangs and 3 healthy" in differing(hang, SCRIPT)[0].summary
    assert differing([member(1)], SCRIPT)[0].summary == "CustomScript failed on no instance."


def test_the_commands_have_the_names_of_the_set():
    members = tuple(
        member(number, "failed" if number < 37 else "well", 127 if number < 37 else None) for number in range(40)
    )
    advice = advised(members, name="vmss-web", resource_group="rg-web", subscription="s-1", listed=None)
    assert advice.case.case == "some"
    assert advice.case.sentence == (
        "Failed on some: CustomScript failed on 37 of 40 instances and succeeded on 3: scale out, then delete these "
        "instances."
    )
    text = "\n".join(block.text for step in advice.steps for block in step.blocks)
    ids = " ".join(str(number) for number in range(37))
    assert f"az vmss delete-instances -g rg-web -n vmss-web --instance-ids {ids} --subscription s-1" in text
    assert f"for i in {ids}; do az vmss update -g rg-web -n vmss-web" in text
    assert "vmext " not in text


def test_what_failed_everywhere_is_corrected_under_its_name_in_the_model():
    members = joined([member(number, "failed", 1) for number in range(5)], (listed := _listed(5)).instances)
    advice = advised(members, name="vmss-web", resource_group="rg-web", subscription=None, listed=listed)
    assert advice.case.case == "all"
    text = "\n".join(block.text for step in advice.steps for block in step.blocks)
    assert "az vmss extension set -g rg-web --vmss-name vmss-web --publisher Microsoft.Azure.Extensions" in text
    assert "--extension-instance-name setup" in text


def test_a_set_of_aks_is_changed_through_its_cluster():
    members = tuple(member(number, "failed" if number else "well") for number in range(4))
    name = "aks-pool1-30771204-vmss"
    advice = advised(members, name=name, resource_group="MC_rg_cluster_westeurope", subscription=None, listed=None)
    assert advice.managed_by_aks
    assert "az vmss delete-instances" not in "\n".join(block.text for step in advice.steps for block in step.blocks)


def test_the_page_of_a_thousand_instances_is_small():
    """Also where no two of them are alike."""
    names = [f"Publisher{n}.Extension{n}" for n in range(10)]
    members = tuple(
        Member(
            f"vmss-web_{number}",
            f"{number:016x}",
            str(number),
            "failed",
            {name: Cell("failed", number * 10 + place, "1.0.0.1") for place, name in enumerate(names)},
            {"image": "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:22.04.202611180"},
            "b" * 16,
            NOW,
            "linux",
        )
        for number in range(1000)
    )
    page = Pages().render("scale_set.html", here="", **scale_set_view(whole(members), (), 0, NOW, address="http://e"))
    assert len(page.encode()) < 100_000
    assert "page 1 of 25, 1,000 rows" in page
    alike = tuple(member(number, "failed" if number < 12 else "well") for number in range(1000))
    page = Pages().render("scale_set.html", **scale_set_view(whole(alike), (), 0, NOW, address="http://e"))
    assert len(page.encode()) < 40_000
    assert "988 healthy" in page


def test_scaling_out_is_warned_of_where_new_instances_would_fail_alike():
    members = tuple(member(n, "failed" if n > 2 else "well", image="a:2" if n > 2 else "a:1") for n in range(40))
    values = scale_set_view(whole(members), (), 0, NOW, address="http://e")
    assert [text[:23] for text in values["cautions"]] == ["Before you scale out: n"]
    zones = tuple(member(n, "failed" if n > 2 else "well", zone="2" if n > 2 else "1") for n in range(40))
    assert scale_set_view(whole(zones), (), 0, NOW, address="http://e")["cautions"] == []


def _listed(instances: int) -> Listed:
    found = parsed(demo_site.listing("vmss-web", instances))
    return Listed(NOW, "somebody", found.orchestration, found.upgrade_policy, found.instances)
