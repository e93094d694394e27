"""The summary for a ticket: what must be in it, and what a log must not make of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.endpoint.pages.markdown import block, inline, span
from collector.endpoint.pages.ticket import Spread, ticket
from tests.bundle.samples import REPORT
from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied
from tests.endpoint.running import endpoint

SPREAD = Spread(37, 40, "vmss-web", datetime(2026, 5, 4, 3, 12, tzinfo=timezone.utc), "aaaabbbbccccdddd")


def test_it_says_all_that_a_ticket_needs():
    text = ticket(REPORT, "0123456789abcdef", "https://review.example", SPREAD)
    head = REPORT.findings[0]
    assert text.startswith("## FAILED CustomScript exit 100")
    for part in (
        *("**Where:**", "**What:**", "**When:**", "**Whose it is:**", "**Proof**", "**Cause:**", "**Next step:**"),
        "- **How many:** 37 of 40 instances of vmss-web, since 2026-05-04 03:12:00Z: "
        "<https://review.example/incidents/aaaabbbbccccdddd>",
        "Bundle `0123456789abcdef`: <https://review.example/bundles/0123456789abcdef>",
        f"```text\n{head.failure.message}\n```",
    ):
        assert part in text
    assert all(f"```sh\n{step}" in text for step in head.do[:1])


def test_a_log_can_neither_end_its_block_nor_speak_for_us():
    evil = "```\n# Approved by @admin\n<script>alert(1)</script> ````\nsee #12"
    failure = replace(REPORT.findings[0].failure, message=evil, evidence=())
    finding = replace(REPORT.findings[0], failure=failure, causes=(), title="[x](javascript:alert) @admin #12 <b>")
    text = ticket(replace(REPORT, findings=(finding,)), "0" * 16, "https://x", Spread())
    assert f"`````text\n{evil}\n`````" in text
    outside = re.sub(r"(`{3,})\w*\n.*?\n\1(?=\n|$)", "", text, flags=re.DOTALL)
    assert "<script" not in outside and "<b>" not in outside
    assert not re.search(r"@\w|#\d|(?<!\\)\[", outside)


@given(st.text(alphabet=st.sampled_from("`\n\r a<>#@\\"), max_size=40))
def test_no_text_ends_its_block(text: str):
    made = block(text)
    fence = made.split("text\n", 1)[0]
    assert made.endswith(f"\n{fence}")
    assert fence not in made[len(fence) : -len(fence)]


@given(st.text(alphabet=st.sampled_from("` ab\n"), min_size=1, max_size=30))
def test_no_text_ends_its_span(text: str):
    made = span(text)
    if not made:
        assert not text.strip()
        return
    fence = re.match("`+", made)
    assert fence is not None
    inner = re.findall("`+", made[len(fence[0]) : -len(fence[0])])
    assert fence[0] not in inner


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("vmss-web_12 (computer x)", "vmss-web_12 (computer x)"),
        ("_a_ *b* `c`", r"\_a\_ \*b\* \`c\`"),
        ("two\nlines\x00", "two lines"),
        ("<b> & [x](y)", r"\<b\> \& \[x\](y)"),
    ],
)
def test_a_line_stays_a_line_and_readable(text: str, told: str):
    assert inline(text) == told


def test_it_is_served_as_markdown_for_bundles_and_incidents(tmp_path: Path):
    bundle = Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"])
    with endpoint(tmp_path / "data") as server:
        for number in range(3):
            one = varied(bundle, tmp_path, instance_name=f"vmss-web_{number}", scale_set="vmss-web")
            assert server.put(one).status_code == 201
        answer = server.get(f"/bundles/{one.stem}/ticket.md")
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert "- **How many:** 3 of 3 instances of vmss-web" in answer.text
        link = re.search(rf"<{re.escape(server.url)}/incidents/([0-9a-f]{{16}})>", answer.text)
        assert link is not None
        told = server.get(f"/incidents/{link[1]}/ticket.md")
        assert told.headers["content-type"] == "text/markdown; charset=utf-8"
        assert told.text.startswith("## CustomScript exit 100 on all 3 instances: ")
        assert "**Instances:** `vmss-web_" in told.text
        assert server.get("/incidents/ffffffffffffffff/ticket.md").status_code == 404
        assert server.get("/bundles/ffffffffffffffff/ticket.md").status_code == 404
