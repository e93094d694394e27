"""What became of each step, from real bundles of the scenarios and of made-up disks."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from collector.bundle.reader import Bundle, open_bundle
from collector.endpoint.pages.timeline.axis import axis_of
from collector.endpoint.pages.timeline.lines import told_in
from collector.endpoint.pages.timeline.making import timeline
from collector.endpoint.pages.timeline.picture import NARROW, WIDE, Layout, picture
from collector.endpoint.pages.timeline.rows import Timeline, lasting
from collector.endpoint.pages.timeline.steps import step_rules, steps_in
from collector.endpoint.pages.timelines import Timelines, timeline_of
from collector.model import SystemEvent
from tests.collecting import AGENT_LOG, HANDLER_LOG, STATUS, collect, failing_disk, put

SCENARIOS = Path(__file__).parents[1] / "scenarios"
SVG = "{http://www.w3.org/2000/svg}"

#: Of each scenario the rows that a person must see, and the stretch that cost the time.
EXPECTED = {
    "linux-agent-install-nonzero-exit": (
        {"SnapAgentLinux": {"Install": "exit 52 after 7.5 s", "Enable": "never began", "Status": "NotReady"}},
        "7.5 s in Install",
    ),
    "linux-cse-exit-code-only-in-handler-log": (
        {"CustomScript": {"Enable": "exit 42 after 27 s", "Status": "error"}},
        "27 s in Enable",
    ),
    "linux-enable-timeout": (
        {"CollectorLinux": {"Install": "took 2.0 s", "Enable": "no end, given up after 5 min 1 s"}},
        "5 min 1 s without a sign",
    ),
    "linux-mixed-local-and-utc-stamps": ({"AgentLinux": {"Enable": "exit 12 after 13 s"}}, "13 s in Enable"),
    "linux-run-command-success-that-failed": (
        {
            "RunCommandHandlerLinux RotateKeys": {
                "Enable": "exit 5 after 8.0 s",
                "Status": "success, although it failed",
            }
        },
        "8.0 s in Enable",
    ),
    "windows-custom-script-negative-exit-code": (
        {"CustomScriptExtension": {"Enable": "exit -1073741515 (0xC0000135) after 2.7 s", "Status": "error"}},
        "2.7 s in Enable",
    ),
    "windows-install-hang": (
        {
            "EndpointGuard": {
                "Install": "no end, given up after 15 min",
                "Enable": "never began",
                "Status": "none reported",
            }
        },
        "15 min without a sign",
    ),
    "windows-utf16-log-with-mark": ({"SetupWindows": {"Enable": "exit 1603 (0x00000643) after 33 s"}}, None),
}


def bundle_of(disk: Path, state: Path) -> Bundle:
    return open_bundle(Path(collect(disk, state).json["bundle"]["path"]))


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Timeline]:
    """The timeline of a scenario, each collected once."""

    @cache
    def made(name: str) -> Timeline:
        found = made_of(bundle_of(SCENARIOS / name / "disk", tmp_path_factory.mktemp("state")))
        assert found is not None
        return found

    return made


def made_of(bundle: Bundle) -> Timeline | None:
    return timeline(told_in(bundle), bundle.failures, bundle.states, now=None)


def rows_of(made: Timeline) -> dict[str, dict[str, str]]:
    return {lane.label: {row.label: row.words for row in lane.rows} for lane in made.lanes if lane.label}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_scenario_says_which_step_it_was_and_where_the_time_went(name: str, scenario: Callable[[str], Timeline]):
    made = scenario(name)
    told, gap = EXPECTED[name]
    shown = rows_of(made)
    assert {who: {step: shown[who][step] for step in steps} for who, steps in told.items()} == told
    if gap is not None:
        assert made.gap is not None
        assert made.gap.words == gap


def test_where_nothing_failed_the_newest_goal_state_is_shown(tmp_path: Path):
    made = made_of(bundle_of(SCENARIOS / "linux-healthy-with-look-alikes/disk", tmp_path))
    assert made is not None
    assert made.gap is None
    assert [(lane.rows[0].label, lane.outcome) for lane in made.lanes[1:]] == [
        ("CustomScript", "done"),
        ("VMSnapshotLinux", "done"),
    ]


def test_the_steps_between_the_signals_are_read_from_the_excerpts(tmp_path: Path):
    """Downloads and a goal state's end are no events; a handler's local stamps are moved as the instance did."""
    disk = failing_disk(tmp_path / "disk")
    put(
        disk,
        AGENT_LOG,
        "2026-05-04T03:12:05.000000Z INFO ExtHandler ExtHandler ProcessExtensionsGoalState started [incarnation_7 x]\n"
        "2026-05-04T03:12:06.000000Z INFO ExtHandler ExtHandler Downloading "
        "Microsoft.Azure.Extensions.CustomScript-2.1.19\n"
        "2026-05-04T03:12:08.500000Z INFO ExtHandler ExtHandler Unzipping "
        "Microsoft.Azure.Extensions.CustomScript-2.1.19: /var/lib/waagent/x.zip\n"
        "2026-05-04T03:12:13.000000Z INFO ExtHandler [Microsoft.Azure.Extensions.CustomScript-2.1.19] "
        "Enable extension: [bin/custom-script-shim enable]\n"
        "2026-05-04T03:12:26.000000Z INFO ExtHandler ExtHandler ProcessExtensionsGoalState completed "
        "[incarnation_7 21000 ms]\n",
    )
    made = made_of(bundle_of(disk, tmp_path / "state"))
    assert made is not None
    assert made.lanes[0].rows[0].label == "Goal state 7"
    assert made.lanes[0].rows[0].words == "completed after 21 s"
    assert rows_of(made)["CustomScript"]["Download"] == "took 2.5 s"
    assert rows_of(made)["CustomScript"]["Enable"] == "exit 100 after 12 s"


def test_what_happened_to_the_machine_in_between_is_a_row_of_its_own(tmp_path: Path):
    bundle = bundle_of(failing_disk(tmp_path / "disk"), tmp_path / "state")
    between = datetime(2026, 5, 4, 3, 12, 20, tzinfo=timezone.utc)
    events = [
        SystemEvent("boot", between, "Linux version 6"),
        SystemEvent("oom-kill", between, "Killed process 7"),
        SystemEvent("boot", between - timedelta(days=1), "Linux version 6"),
    ]
    made = timeline(told_in(bundle), bundle.failures, bundle.states, now=None, events=events)
    assert made is not None
    (row,) = [row for lane in made.lanes for row in lane.rows if row.label == "Machine"]
    assert (row.words, len(row.spans)) == ("started, out of memory", 2)


def test_an_operation_without_an_end_goes_on_to_when_a_live_machine_was_collected_from(tmp_path: Path):
    disk = failing_disk(tmp_path / "disk")
    status = json.loads((disk / STATUS).read_text())
    status[0]["status"] |= {"status": "transitioning"}
    (disk / STATUS).write_text(json.dumps(status))
    (disk / AGENT_LOG).write_text((disk / AGENT_LOG).read_text().splitlines(keepends=True)[0])
    (disk / HANDLER_LOG).write_text((disk / HANDLER_LOG).read_text().splitlines(keepends=True)[0])
    bundle = bundle_of(disk, tmp_path / "state")
    assert bundle.verdict == "hanging"
    later = bundle.failures[0].hang_since
    assert later is not None
    made = timeline(told_in(bundle), bundle.failures, bundle.states, now=later + timedelta(hours=3))
    assert made is not None and made.gap is not None
    assert rows_of(made)["CustomScript"]["Enable"].startswith("no end in 3 h")
    disk_only = made_of(bundle)
    assert disk_only is not None and disk_only.gap is not None
    assert disk_only.gap.end is None
    assert rows_of(disk_only)["CustomScript"]["Enable"] == "no end seen, limit 90 min"
    assert "step-arrow" in picture(disk_only, WIDE, "k")


def test_without_a_line_that_tells_of_a_step_there_is_none(tmp_path: Path):
    put(tmp_path / "disk", AGENT_LOG, "2026-05-04T03:12:05.000000Z INFO ExtHandler ExtHandler Hello\n")
    assert made_of(bundle_of(tmp_path / "disk", tmp_path / "state")) is None


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_picture_is_whole_says_it_in_words_and_nothing_leaves_it(
    name: str, layout: Layout, scenario: Callable[[str], Timeline]
):
    made = scenario(name)
    text = picture(made, layout, "k")
    root = ET.fromstring(str(text).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    assert "style=" not in text and "<script" not in text
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-desc"
    words = " ".join("".join(node.itertext()) for node in root.iter(f"{SVG}text"))
    marks = {(node.get("class") or "").split()[-1] for node in root.iter(f"{SVG}path")}
    assert {f"o-{row.outcome}" for lane in made.lanes for row in lane.rows} <= marks
    assert all(row.label[:20] in words for lane in made.lanes for row in lane.rows)
    assert "never began" in (root.findtext(f"{SVG}desc") or "") or "never began" not in words
    width, height = layout.width, float(root.get("height") or 0)
    for box in root.iter(f"{SVG}rect"):
        if box.get("x"):
            assert float(box.get("x", "")) >= 0 and float(box.get("x", "")) + float(box.get("width", "")) <= width
            assert float(box.get("y", "")) + float(box.get("height", "")) <= height
    times = sorted(float(node.get("x", "")) for node in root.iter(f"{SVG}text") if node.get("class") == "step-time")
    assert all(after - before > 40 for before, after in pairwise(times))


def test_what_an_instance_calls_itself_does_nothing_in_the_picture(scenario: Callable[[str], Timeline]):
    made = scenario("linux-enable-timeout")
    evil = replace(made, lanes=(replace(made.lanes[-1], label='<script>x</script>"'),))
    assert "<script" not in picture(evil, WIDE, "k")


def test_short_steps_beside_a_long_one_can_be_seen_and_keep_their_order():
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    moments = [start + timedelta(seconds=number) for number in (0, 2, 5, 5_400)]
    axis = axis_of(moments, [timedelta(seconds=2)])
    assert not axis.is_true
    places = [axis.place(moment) for moment in moments]
    assert places == sorted(places)
    assert all(after - before > 0.02 for before, after in pairwise(places))
    assert axis.place(start - timedelta(days=1)) == 0
    assert axis.place(start + timedelta(days=1)) == 1
    assert axis_of(moments[:3], [timedelta(seconds=2)]).is_true
    assert axis_of([start, start], []).place(start) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.041, "41 ms"), (0.3, "0.3 s"), (4, "4.0 s"), (37.4, "37 s"), (119.4, "119 s"), (845, "14 min 5 s")),
        *((5_400, "90 min"), (12_000, "3 h 20 min"), (7_200, "2 h"), (-1, "0 ms")),
    ],
)
def test_a_length_of_time_is_told_as_people_do(seconds: float, text: str):
    assert lasting(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize("rule", step_rules(), ids=lambda rule: rule.id)
def test_every_row_matches_its_example(rule):
    for name in rule.formats:
        assert rule.id in {found.id for found, _ in steps_in(rule.example, name)}
    assert re.search(r"\S", rule.source)


def test_a_timeline_is_read_once_and_the_last_ones_are_kept(tmp_path: Path):
    """By the hash of what is stored, and never more than are said."""
    bundle = open_bundle(Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"]))
    kept = Timelines(most=2)
    first = kept.of(bundle, "a")
    assert first == timeline_of(bundle) is not None
    assert kept.of(bundle, "b") is not first
    assert kept.of(bundle, "a") is first
    kept.of(bundle, "c")  # "b" was asked for longest ago
    assert kept.of(bundle, "a") is first
    assert len(kept._known) == 2
