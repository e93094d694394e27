"""The list of the instances that a scale set should have, as `az` and shells write it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from collector.endpoint.reading.expected import parsed, text_in
from collector.errors import ConfigError
from tests.endpoint import demo_site


def _jsonc(text: str) -> str:
    return re.sub(r'("[^"]*")(:)', "\x1b[34;01m\\1\x1b[39;49;00m\\2", text)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: _jsonc(text).encode(),  # -o jsonc: colours, as a terminal gets them
        lambda text: text.replace("}, {", "},\r\n{").encode("utf-16"),  # by PowerShell's >
        lambda text: json.dumps({"value": json.loads(text)}).encode("utf-8-sig"),  # az rest
    ],
    ids=["json", "jsonc", "PowerShell", "REST"],
)
def test_a_list_is_taken_however_it_was_written(written: Callable[[str], bytes]):
    content = written(demo_site.listing("vmss-data", 3))
    assert [one.id for one in parsed(text_in(content)).instances] == ["0", "1", "2"]


def test_what_is_no_text_is_refused_as_a_list():
    with pytest.raises(ConfigError):
        text_in(bytes(range(256)) * 40)


@pytest.mark.parametrize(
    "text", ["vmss-data\tSucceeded\t0\n", "InstanceId    Name\n------------  ----\n0             x\n"]
)
def test_a_list_in_a_form_that_leaves_things_out_is_refused_with_the_form_to_save(text: str):
    with pytest.raises(ConfigError) as refused:
        parsed(text)
    assert "-o json" in refused.value.hint
