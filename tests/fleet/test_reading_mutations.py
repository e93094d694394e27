"""Answers with holes, in another order, of other types, cut off: a true answer or a refusal, never anything else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import ConfigError
from collector.fleet.advice import advise
from collector.fleet.case import case_of
from collector.fleet.reading import read_scale_set
from collector.fleet.rendering.files import document, markdown, table
from collector.fleet.rendering.text import text
from tests.fleet.show_answers import listed, machine, queried, view

SEEDS = [
    [queried(0, a="Succeeded", b="Failed"), queried(1, a="Failed", b="Updating")],
    [listed(0, a="Failed"), {**listed(1, latest=False, init="Failed"), "instanceView": view("web000001")}],
    [machine("flexy_a", CSE="Failed"), machine("flexy_b", CSE="Succeeded")],
    [view("web000001", "exit code 1", "ProvisioningState/failed/1"), view("web00000B", extensions=None)],
    {"value": [{"instanceId": "1", "properties": {"instanceView": view("web000001")}}]},
    {
        "virtualMachine": {"statusesSummary": []},
        "extensions": [{"name": "x", "statusesSummary": [{"code": "a/b", "count": 1}]}],
    },
]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("Failed"), st.just("²"), st.just("/subscriptions"),
    st.lists(st.none(), max_size=2), st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)  # fmt: skip


@st.composite
def mutated(draw: Any) -> Any:
    """A seed of which some values are gone, others, or in another order."""

    def change(value: Any) -> Any:
        roll = draw(st.integers(0, 40))
        if roll == 0:
            return draw(ODD)
        if isinstance(value, dict):
            kept = [(key, change(item)) for key, item in value.items() if draw(st.integers(0, 20))]
            return dict(draw(st.permutations(kept)))
        if isinstance(value, list):
            return draw(st.permutations([change(item) for item in value if draw(st.integers(0, 20))]))
        return value

    return change(draw(st.sampled_from(SEEDS)))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_whatever_is_in_the_json_the_answer_hangs_together(answer):
    try:
        scale_set = read_scale_set(json.dumps(answer))
    except ConfigError:
        return
    case = case_of(scale_set)
    advice = advise(scale_set, case)
    told = document(scale_set, case, advice)
    json.dumps(told)
    assert list(text(scale_set, case, advice, width=80, paint=lambda word, state: word))
    assert table(scale_set)
    assert list(markdown(scale_set, case))
    failed = {
        (one, name) for one, rows in told["instances"].items() for name, state in rows.items() if state == "failed"
    }
    assert {(one, name) for name, numbers in told["failed"].items() for one in numbers} == failed
    assert told["case"] != "none" or not [one for one in case.spreads if one.failures]


@settings(max_examples=60, deadline=None)
@given(st.permutations([queried(n, a="Failed" if n in (2, 9) else "Succeeded", b="Succeeded") for n in range(11)]))
def test_the_order_of_the_file_does_not_matter(answer):
    scale_set = read_scale_set(json.dumps(answer))
    case = case_of(scale_set)
    assert [one.id for one in scale_set.instances] == [str(n) for n in range(11)]
    assert (case.case, case.failed, case.impacted) == ("some", {"a": ["2", "9"]}, ("2", "9"))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_text_cut_off_anywhere_is_refused(data):
    whole = json.dumps(data.draw(st.sampled_from(SEEDS)), indent=1)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        read_scale_set(cut)
    except ConfigError as error:
        assert error.hint
    else:
        raise AssertionError(f"read as if it were whole: {cut[-60:]!r}")


def test_a_state_that_nobody_knows_does_not_hide_the_failed_one():
    (one,) = read_scale_set(json.dumps([queried(3, a="Failed", b="Simmering")])).instances
    assert [(row.name, row.state) for row in one.extensions] == [("a", "failed"), ("b", "unknown")]


def test_an_agent_that_never_reported_is_silent():
    """It has no status of its own then: the machine's tells it."""
    error = {"code": "ProvisioningState/failed/VMAgentStatusCommunicationError", "message": "has not reported status"}
    answer = {**view("web00000B", extensions=None), "vmAgent": None, "statuses": [error]}
    (one,) = read_scale_set(json.dumps([answer])).instances
    assert [(one.id, row.name, row.state, row.codes) for row in one.extensions] == [
        ("11", "", "agent-unresponsive", ("ProvisioningState/failed/VMAgentStatusCommunicationError",))
    ]
