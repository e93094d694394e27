"""What can speak for a cause, and how much it weighs.

What is more specific weighs more: a signature in the telling line, in another line of the failure, in the rest of its
text; then the exit code; then what the machine showed; then the failure's own form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collector.diagnose.commands import is_scripts_end
from collector.diagnose.rules import Rule
from collector.model import Cause, Failure, Owner

Kind = Literal["signature", "code", "decisive", "possible", "supporting", "form"]

#: A signature by where it was found; one that only says that something failed; one of the extension's own adds.
IN_MESSAGE, IN_LINE, IN_TEXT, GENERIC, OWN_SCOPE = 6.0, 5.0, 4.0, 1.2, 0.4
#: So much less weighs a pattern that is only common practice: "Permission denied" stands beside many causes.
CONVENTION = 3.6
#: The exit code; one that means several things; a tool's code in the text; the status file's code.
CODE, ONE_OF_SEVERAL, TOOL, STATUS = 3.0, 2.5, 2.7, 2.4
#: What the machine showed, by how a rule takes it; and the failure's own form.
DECISIVE, POSSIBLE, SUPPORTING, FORM = 3.5, 0.5, 0.0, 1.1
#: So much the same evidence adds where something else speaks for the same rule.
ALSO = {"signature": 0.5, "code": 0.75, "decisive": 2.0, "possible": 1.0, "supporting": 1.0, "form": 0.1}
#: Sources whose word is taken as sure.
SURE = ("confirmed", "documented")


@dataclass(frozen=True, slots=True)
class Voice:
    """One thing that speaks for a cause."""

    kind: Kind
    weight: float
    cause: Cause
    rule: Rule | None


def script_owner(failure: Failure, owner: Owner, rule: Rule | None = None) -> Owner:
    """The exit code of a user's script is the script's, and so is its hang, whatever made it fail."""
    if is_scripts_end(failure):
        return "script" if failure.exit_code is not None or failure.kind == "hang" else owner
    if owner != "script":
        return owner
    handlers = rule is None or rule.id.startswith("script-")
    return "extension" if handlers else "guest"  # a script of the handler; else its settings, or what it looks after
