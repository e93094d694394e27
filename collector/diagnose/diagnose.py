"""Failures to findings, the most important first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from collector.diagnose import codes, commands, signatures
from collector.diagnose.causes import causes
from collector.model import Confidence, ExtensionState, Failure, Finding, Identity, Owner, SystemFacts, order

_KINDS = {"failure": 0, "hang": 1, "warning": 2}
#: Words that stand in every failure's text.
_COMMON_WORDS = frozenset(
    {"install", "installation", "failed", "failure", "enable", "extension", "handler", "command", "agent", "package"}
)
#: Causes whose owner holds whatever the extension: node setup is the platform's, a configuration its author's.
_SET_BY_CAUSE = ("aks-", "dsc-")
#: So many words of a meaning must stand in the text before it is taken for the one meant.
_ENOUGH_WORDS = 2
#: The agent's code for a status file that it can't read: the extension itself may be well.
_STATUS_UNREADABLE = 1012
#: Failures that others follow from are told first, and their text is read this far, in characters.
_LONGEST = 8_000


def diagnose(
    failures: Sequence[Failure], identity: Identity, facts: SystemFacts, states: Sequence[ExtensionState] = ()
) -> tuple[Finding, ...]:
    """One finding for each failure: root causes first, then by kind and time."""
    findings = [_owned(_explain(failure, identity), failures) for failure in failures]
    followed = {failure.caused_by for failure in failures if failure.caused_by}
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                finding.failure.caused_by is not None,
                _KINDS[finding.failure.kind],
                finding.failure.extension not in followed,
                finding.failure.agent_code == _STATUS_UNREADABLE,
                order(finding.failure.first_time or finding.failure.last_time),
            ),
        )
    )


def _explain(failure: Failure, identity: Identity) -> Finding:
    if failure.caused_by:
        return _follow_on(failure)
    texts = [failure.message, *(evidence.text for evidence in failure.evidence), failure.detail[-_LONGEST:]]
    found = signatures.best(texts, failure.extension, identity.system)
    if found and found[0].cause not in signatures.GENERIC_CAUSES:
        return _by_signature(failure, *found, identity)
    by_code = _by_code(failure, identity)
    if by_code:
        return by_code
    told_by_code = failure.kind == "failure" and failure.exit_code is not None
    if found and not (told_by_code and commands.is_script(failure.extension)):
        return _by_signature(failure, *found, identity)
    return _unexplained(failure, identity)


def _by_signature(failure: Failure, row: signatures.Signature, number: int, identity: Identity) -> Finding:
    known = causes().get(row.cause)
    confidence: Confidence = "medium"
    if number == 0 and row.confidence in ("confirmed", "documented"):
        confidence = "high"
    elif row.confidence == "convention" or number > len(failure.evidence):
        confidence = "low" if row.confidence == "convention" else "medium"
    owner: Owner = known.owner if known else "unknown"
    return Finding(
        id=row.id,
        failure=failure,
        title=known.title if known else row.cause.replace("-", " "),
        owner=owner if row.cause.startswith(_SET_BY_CAUSE) else _script_owner(failure, owner),
        meaning=row.meaning,
        remedy=row.remedy,
        confidence=confidence,
        do=_do(failure, identity),
        dont=_dont(failure, row.cause),
        documentation=row.source,
    )


def _by_code(failure: Failure, identity: Identity) -> Finding | None:
    code = failure.exit_code
    if code is None or code == 0:
        return None
    script = commands.is_script(failure.extension)
    rows = () if script else codes.of_extension(failure.extension, identity.system, code)
    if not rows and identity.system == "linux":
        rows = codes.of_shell(code)
    if not rows and identity.system == "windows":
        rows = codes.of_windows(code) if code > 255 or code < 0 else ()
    if not rows:
        return None
    chosen = _told_apart(rows, failure)
    several = len(chosen) > 1 and len({row.meaning for row in chosen}) > 1
    row = chosen[0]
    meaning = row.meaning if not several else "One of: " + " / ".join(one.meaning for one in chosen[:3])
    sure = row.confidence in ("confirmed", "documented")
    return Finding(
        id=f"code-{row.scope.rpartition('.')[2].lower()}-{row.code}",
        failure=failure,
        title=_words(row.name) or _first_words(row.meaning),
        owner=_script_owner(
            failure, "guest" if row.scope in ("shell", "win32", "ntstatus", "hresult") else "extension"
        ),
        meaning=meaning,
        remedy=row.remedy,
        confidence="low" if several or not sure else "medium",
        do=_do(failure, identity),
        dont=_dont(failure, ""),
        documentation=row.source,
    )


def _told_apart(rows: Sequence[codes.CodeRow], failure: Failure) -> list[codes.CodeRow]:
    """Of several meanings of one code those whose words stand in the text; all where none does."""
    text = f"{failure.message}\n{failure.detail}".lower()

    def score(row: codes.CodeRow) -> int:
        words = {word.strip(".,;:()").lower() for word in f"{row.name} {row.meaning}".split() if len(word) > 5}
        return sum(word in text for word in words - _COMMON_WORDS)

    best = max(score(row) for row in rows)
    return [row for row in rows if score(row) == best] if best >= _ENOUGH_WORDS else list(rows)


def _unexplained(failure: Failure, identity: Identity) -> Finding:
    if failure.kind == "hang":
        return _hang(failure, identity)
    if failure.agent_code == _STATUS_UNREADABLE:
        return replace(
            _plain(failure, identity, "status-unreadable", "status file not readable", "extension"),
            meaning="The extension wrote a status file that is not valid JSON, so the agent reports an error for it.",
            remedy="Look for a full disk or a crash of the handler, then run the extension again.",
            confidence="medium",
        )
    if commands.is_script(failure.extension) and failure.exit_code is not None:
        return replace(
            _plain(failure, identity, "script-exit", "the script ended with this code", "script"),
            meaning=f"The exit code {failure.exit_code} is the script's own: its last command or an exit gave it.",
            remedy="Read the lines around the proof, correct the script, run it again.",
            confidence="medium",
        )
    return _plain(failure, identity, "unexplained", _first_words(failure.message) or "no known cause", "extension")


def _hang(failure: Failure, identity: Identity) -> Finding:
    script = commands.is_script(failure.extension)
    what = "script" if script else "handler"
    if "timeout" in failure.message.lower():
        return replace(
            _plain(failure, identity, f"timeout-{what}", "time limit passed", "script" if script else "extension"),
            meaning=f"The {what} ran over its time limit and was killed.",
            remedy=f"See in its output what the {what} waited for; make it shorter, or give it more time.",
            confidence="high",
        )
    return replace(
        _plain(failure, identity, f"hang-{what}", f"the {what} does not end", "script" if script else "extension"),
        meaning=f"The {what} was started and never reported an end; it waits for something, or was ended from outside.",
        remedy=f"See on the instance what the {what}'s process waits for; look at the last lines of its output.",
        confidence="medium",
    )


def _plain(failure: Failure, identity: Identity, name: str, title: str, owner: Owner) -> Finding:
    return Finding(
        name,
        failure,
        title,
        owner,
        "",
        "Read the lines around the proof in the bundle.",
        "low",
        do=_do(failure, identity),
        dont=_dont(failure, ""),
    )


def _follow_on(failure: Failure) -> Finding:
    short = (failure.caused_by or "").rpartition(".")[2]
    return Finding(
        "follows",
        failure,
        f"waited for {short}",
        "unknown",
        f"The agent did not run it, since {failure.caused_by} before it did not succeed in time.",
        f"Nothing to do here: it runs when {short} succeeds.",
        "high",
        documentation="Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py",
    )


def _owned(finding: Finding, failures: Sequence[Failure]) -> Finding:
    """What only follows belongs to whom its cause belongs."""
    if finding.id != "follows":
        return finding
    cause = next((one for one in failures if one.extension == finding.failure.caused_by and not one.caused_by), None)
    script = cause is not None and commands.is_script(cause.extension)
    return replace(finding, owner="script" if script else "extension")


def _script_owner(failure: Failure, owner: Owner) -> Owner:
    """The exit code of a user's script is the script's, and so is its hang, whatever made it fail."""
    if commands.is_script(failure.extension) and (failure.exit_code is not None or failure.kind == "hang"):
        return "script"
    if owner == "script" and not commands.is_script(failure.extension):
        return "extension"  # what it was told to do is wrong, and it has no script of the user
    return owner


def _do(failure: Failure, identity: Identity) -> tuple[str, ...]:
    if failure.kind == "warning":
        return ()
    return tuple(step for step in (commands.again(failure, identity), commands.upgrade(identity)) if step)


def _dont(failure: Failure, cause: str) -> str:
    if failure.kind == "hang":
        return "delete or reimage the instance before its logs and processes have been looked at"
    if cause == "package-lock":
        return "reinstall unchanged or scale out: new instances meet the same race"
    if commands.is_script(failure.extension) and failure.exit_code is not None:
        return "reinstall the extension unchanged or scale out: the same script would fail again"
    return ""


def _words(name: str) -> str:
    """A name written together as words; a symbol in capitals stays."""
    if name.isupper() or "_" in name:
        return name
    if name.endswith(("ErrorCode", "ExitCode", "failExitCode")):
        return ""  # a name of the code, not of what is wrong
    if not re.search("[a-z][A-Z]", name):
        return ""  # one word says too little
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).split()
    return " ".join(word if word.isupper() else word.lower() for word in words)


def _first_words(text: str) -> str:
    words = text.strip().split()
    return " ".join(words[:9]).rstrip(".,:;") + (" ..." if len(words) > 9 else "")
