"""Run Command of `az`: argument lists, and what comes back. Pure.

The older one is one call, `invoke`, which waits and gives the text back. A managed one is a resource of the
instance: created, looked at until it has ended, deleted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["managed", "invoke"]
System = Literal["linux", "windows"]

#: States of a managed run that will not change any more.
_ENDED = frozenset({"Succeeded", "Failed", "TimedOut", "Canceled"})
#: The last line [stderr] is the one that Run Command wrote: a log may quote another in what vmext prints.
_BLOCKS = re.compile(r"\[stdout\]\n(.*)^\[stderr\]$\n?(.*)\Z", re.S | re.M)
#: What Linux's Run Command prints when it ran the sample that it ships instead of the script it was given.
_SAMPLE = "This is a sample script"
NO_JSON = "az's answer is no JSON"


@dataclass(frozen=True, slots=True)
class Target:
    """One instance to be asked. `id` is the number in a uniform set, the machine's name in a flexible one."""

    group: str
    scale_set: str
    id: str
    system: System
    flexible: bool = False
    subscription: str | None = None
    location: str | None = None  # None: az takes that of the resource group


@dataclass(frozen=True, slots=True)
class Output:
    """What a script wrote. `lost` says why there is nothing, `exit_code` is only told of a managed run."""

    out: str = ""
    err: str = ""
    lost: str = ""
    ended: bool = True
    state: str = ""
    exit_code: int | None = None


# ---- argument lists ------------------------------------------------------------------------------------


def invoke(target: Target, script: str) -> list[str]:
    """One call of the older Run Command, on one instance: with several --ids only the first ran."""
    command = "RunPowerShellScript" if target.system == "windows" else "RunShellScript"
    where = ["-n", target.id] if target.flexible else ["-n", target.scale_set, "--instance-id", target.id]
    return [*_head(target, "invoke"), *where, "--command-id", command, "--scripts", f"@{script}", *_tail(target)]


def create(target: Target, name: str, script: str, seconds: int, *, wait: bool = False) -> list[str]:
    """Creates a managed one; without `wait` it comes back as soon as the script runs."""
    place = ["--location", target.location] if target.location else []
    return [
        *_managed(target, "create", name),
        *("--script", f"@{script}", "--timeout-in-seconds", str(seconds)),
        *("--async-execution", "false" if wait else "true"),
        *place,
        *_tail(target),
    ]


def show(target: Target, name: str) -> list[str]:
    """Asks how far a managed one is, and for what it wrote."""
    return [*_managed(target, "show", name), "--instance-view", *_tail(target)]


def delete(target: Target, name: str) -> list[str]:
    """Takes a managed one away again."""
    return [*_managed(target, "delete", name), "--yes", *_tail(target)]


def _managed(target: Target, verb: str, name: str) -> list[str]:
    own = ["--vmss-name", target.scale_set, "--instance-id", target.id]
    where = ["--vm-name", target.id] if target.flexible else own
    return [*_head(target, verb), *where, "--name", name]


def _head(target: Target, verb: str) -> list[str]:
    return ["vm" if target.flexible else "vmss", "run-command", verb, "-g", target.group]


def _tail(target: Target) -> list[str]:
    return ["--subscription", target.subscription] if target.subscription else []


# ---- what comes back -----------------------------------------------------------------------------------


def invoke_output(text: str) -> Output:
    """What `invoke` printed: on Linux one entry with both blocks in it, on Windows one entry for each stream."""
    document = _loaded(text)
    if document is None:
        return Output(lost=_no_json(text))
    entries = document.get("value") or document.get("output")
    if not isinstance(entries, list) or not entries:
        return Output(lost="Run Command gave no output back")
    out: list[str] = []
    err: list[str] = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        code, message = str(entry.get("code") or ""), str(entry.get("message") or "").replace("\r\n", "\n")
        if "StdOut" in code:
            out.append(message)
        elif "StdErr" in code:
            err.append(message)
        else:
            found = _BLOCKS.search(message)
            out.append(found[1].removesuffix("\n") if found else message)
            err.append(found[2] if found else "")
    return _judged("\n".join(out), "\n".join(err))


def managed_output(text: str) -> Output:
    """What `show --instance-view` printed."""
    document = _loaded(text)
    if document is None:
        return Output(lost=_no_json(text), ended=False)
    properties = document.get("properties")
    view = document.get("instanceView") or (properties.get("instanceView") if isinstance(properties, dict) else None)
    if not isinstance(view, dict):
        return Output(lost="the run command has no instance view", ended=False)
    state, code = str(view.get("executionState") or ""), view.get("exitCode")
    if state not in _ENDED:
        return Output(ended=False, state=state)
    said = str(view.get("error") or "").replace("\r\n", "\n")
    judged = _judged(str(view.get("output") or "").replace("\r\n", "\n"), said)
    said_more = str(view.get("executionMessage") or "").strip()
    lost = judged.lost and f"{judged.lost} (it {state.lower()})" + (f": {said_more}" if said_more else "")
    return Output(judged.out, judged.err, lost, True, state, code if isinstance(code, int) else None)


def _judged(out: str, err: str) -> Output:
    if _SAMPLE in out:
        return Output(out, err, "Run Command ran its sample script instead of ours")
    return Output(out, err, "" if (out + err).strip() else "Run Command gave no output back")


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _no_json(text: str) -> str:
    return f"{NO_JSON}: {text.strip()[:60]}" if text.strip() else "az printed nothing"
