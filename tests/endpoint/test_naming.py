"""What counts as one instance and as one incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from collector.endpoint.indexing.naming import instance_key, signature
from collector.model import Identity

WEB_12 = Identity("linux", "vmss-web_12", "vmssweb00000c", "vmss-web", "12", "rg-web", subscription="S-1")
FINDING: dict[str, Any] = {
    "id": "package-001", "kind": "failure", "extension": "A.CustomScript", "operation": "Enable", "exit_code": 100,
    "message": "E: lock held by process 1873",
}  # fmt: skip


@pytest.mark.parametrize(
    "same",
    [
        replace(WEB_12, computer_name=None),
        replace(WEB_12, instance_name="other"),
        replace(WEB_12, resource_group="RG-Web", scale_set="VMSS-WEB"),
        replace(WEB_12, os="Ubuntu", agent_version="2.15", vm_id="x", activity_id="y"),
    ],
)
def test_one_instance(same: Identity):
    assert instance_key(same, "b" * 16) == instance_key(WEB_12, "a" * 16)


@pytest.mark.parametrize(
    "other",
    [
        replace(WEB_12, instance_id="13"),
        replace(WEB_12, scale_set="vmss-api"),
        replace(WEB_12, resource_group="rg-test"),
        replace(WEB_12, subscription="s-2"),
        Identity("linux", None, "vmssweb00000c"),
    ],
)
def test_other_instances(other: Identity):
    assert instance_key(other, "a" * 16) != instance_key(WEB_12, "a" * 16)


def test_an_instance_without_a_name_is_nobody_else():
    nobody = Identity("windows")
    assert instance_key(nobody, "a" * 16) != instance_key(nobody, "b" * 16)
    assert instance_key(nobody, "a" * 16) == instance_key(nobody, "a" * 16)


def test_the_same_failure_in_a_scale_set_is_one_incident_whatever_its_text():
    elsewhere = replace(WEB_12, instance_id="13", instance_name="vmss-web_13", computer_name="vmssweb00000d")
    told = FINDING | {"message": "E: lock held by process 4711"}
    assert signature(FINDING, WEB_12) == signature(told, elsewhere)


@pytest.mark.parametrize("change", [{"exit_code": 127}, {"exit_code": None}, {"id": "x"}, {"kind": "hang"}, {"operation": None}, {"extension": "B.CustomScript"}])  # fmt: skip
def test_another_failure_is_another_incident(change: dict[str, Any]):
    assert signature(FINDING | change, WEB_12) != signature(FINDING, WEB_12)


def test_another_scale_set_is_another_incident():
    assert signature(FINDING, replace(WEB_12, scale_set="vmss-api")) != signature(FINDING, WEB_12)
