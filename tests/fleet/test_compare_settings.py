"""Settings are told apart by three digits, and nothing else of them leaves the instance."""

from __future__ import annotations

import json

import pytest

from collector.parse.settings_hash import settings_hash
from tests.collecting import CSE, collect, failing_disk, put


def text(public: object, protected: str | None = None, thumbprint: str = "A") -> str:
    handler = {"publicSettings": public, "protectedSettings": protected, "protectedSettingsCertThumbprint": thumbprint}
    return json.dumps({"runtimeSettings": [{"handlerSettings": handler}]})


def test_only_the_public_settings_count_in_any_order():
    one = settings_hash(text({"a": 1, "b": 2}, "MII1", "A"))
    assert one == settings_hash(text({"b": 2, "a": 1}, "MII2", "B"))
    assert one != settings_hash(text({"a": 1, "b": 3}, "MII1", "A"))
    assert len(one) == 3
    assert settings_hash(text(None)) not in ("", one)


@pytest.mark.parametrize(
    "broken", ["", "x", "[]", "{}", '{"runtimeSettings": 1}', '{"runtimeSettings": [1]}', "[" * 100_000]
)
def test_what_is_no_settings_file_has_none(broken):
    assert settings_hash(broken) == ""


def test_a_collect_keeps_the_digits_of_the_newest_settings_and_nothing_else_of_them(tmp_path):
    disk = failing_disk(tmp_path / "disk")
    config = f"var/lib/waagent/{CSE}-2.1.19/config"
    put(disk, f"{config}/2.settings", text({"commandToExecute": "old"}))
    put(disk, f"{config}/3.settings", "\ufeff" + text({"commandToExecute": "run-very-special"}))
    done = collect(disk, tmp_path / "state")
    ledger = done.ledger()
    told = ledger[f"{config}/3.settings"]
    assert (told["outcome"], told["note"]) == ("skipped", "settings hold secrets and are never copied")
    assert told["settings_hash"] == settings_hash(text({"commandToExecute": "run-very-special"}))
    assert ledger[f"{config}/2.settings"]["settings_hash"] == ""
    assert "run-very-special" not in "".join([*done.texts(), json.dumps(ledger), done.out])
