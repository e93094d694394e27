"""axe-core, which finds what keeps people from using a page: contrast, names, roles, order, sizes.

It is put into the page over the debugging protocol, to which the page's Content-Security-Policy does not apply.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

REPO = Path(__file__).parents[2]
#: Web Content Accessibility Guidelines 2.2, levels A and AA, as axe calls them; and what axe holds to be good practice.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")


@cache
def _source() -> str:
    """Raises CalledProcessError where npm or the registry is missing."""
    command = [str(REPO / "scripts" / "axe")]
    path = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Path(path).read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now: ``rule (how bad): what to do: the elements``, none where it is well."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("Runtime.evaluate", {"expression": _source()})
        options = {"runOnly": {"type": "tag", "values": list(TAGS)}, "resultTypes": ["violations"]}
        ran = session.send(
            "Runtime.evaluate",
            {"expression": f"axe.run(document, {options!r})", "awaitPromise": True, "returnByValue": True},
        )
    finally:
        session.detach()
    assert "exceptionDetails" not in ran, ran["exceptionDetails"]
    result = ran["result"]["value"]
    assert result["testEngine"]["name"] == "axe-core"
    return [_told(one) for one in result["violations"]]


def _told(violation: dict[str, Any]) -> str:
    nodes = "\n".join(f"  {node['html'][:200]}\n    {node['failureSummary']}" for node in violation["nodes"][:5])
    return f"{violation['id']} ({violation['impact']}): {violation['help']}, {len(violation['nodes'])} times\n{nodes}"
