"""Holding the evidence where `az` does not end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from collector.fleet.advice import advise
from collector.fleet.ask.az import Answer, Az
from collector.fleet.ask.holding import hold
from collector.fleet.case import case_of
from collector.fleet.reading import read_scale_set
from tests.fleet.show_answers import listed


class Hanging(Az):
    """An `az` that had to be ended."""

    def __init__(self) -> None:
        """No program is looked for."""

    def call(self, arguments: Sequence[str], timeout: float, *, cleanup: bool = False) -> Answer:
        return Answer(-9, "", "", timed_out=True)


def test_a_change_that_did_not_end_may_be_made():
    scale_set = read_scale_set(json.dumps([listed(3, init="Failed"), listed(4, init="Succeeded")]))
    held = hold(Hanging(), advise(scale_set, case_of(scale_set)), repairs=False)
    assert held.done == ()
    assert "az did not end within 600 s; the change may be made all the same" in held.failed[0]
    assert "--instance-id 3 --protect-from-scale-in false" in held.undo[0]
