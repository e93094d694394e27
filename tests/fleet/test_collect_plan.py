"""Which instances are asked."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from collector.errors import ConfigError
from collector.fleet.ask.plan import plan_of
from collector.fleet.scale_set import ExtensionRow, Instance, ScaleSet

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


def one(number, state, *, since=None, **more):
    return Instance(str(number), extensions=(ExtensionRow("customScript", state, since=since),), **more)


def plan(*instances, **more):
    found = plan_of(ScaleSet("web", "rg", instances=instances), NOW, **more)
    return [(choice.id, choice.role) for choice in found.ask], [choice.id for choice in found.left_out], found.problems


@pytest.mark.parametrize(
    ("instances", "asked", "left_out"),
    [
        ([one(0, "succeeded")], [], []),
        ([one(0, "succeeded"), one(1, "failed")], [("1", "failed"), ("0", "healthy")], []),
        ([one(1, "in-progress", since="2026-11-24T11:55:00Z")], [], []),
        ([one(1, "in-progress", since="2026-11-24T11:45:00Z")], [("1", "in progress")], []),
        ([one(1, "in-progress")], [("1", "in progress")], []),
        ([one(1, "agent-unresponsive")], [], ["1"]),
        ([one(1, "failed", power="deallocated")], [], ["1"]),
        ([one(1, "failed", agent="Not Ready")], [], ["1"]),
        ([one(0, "succeeded", power="deallocated"), one(1, "failed")], [("1", "failed")], []),
        ([one(0, "succeeded", latest_model=False), one(2, "succeeded", latest_model=True), one(1, "failed")],
         [("1", "failed"), ("2", "healthy")], []),
        ([Instance("0"), one(1, "failed")], [("1", "failed")], []),
    ],
)  # fmt: skip
def test_who_is_asked(instances, asked, left_out):
    found, left, problems = plan(*instances)
    assert (found, left) == (asked, left_out)
    assert bool(problems) == (bool(asked) and all(role != "healthy" for _, role in asked))


def test_named_instances_and_no_healthy():
    instances = (one(0, "succeeded"), one(1, "failed"), one(2, "failed"))
    assert plan(*instances, healthy=False)[0] == [("1", "failed"), ("2", "failed")]
    assert plan(*instances, only=("2", "0", "2"))[0] == [("2", "asked for"), ("0", "asked for")]
    with pytest.raises(ConfigError, match="no instance 9"):
        plan(*instances, only=("9",))
