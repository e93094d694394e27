"""The frozen values from a pasted text to its explained errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from collector.model import Cause, Confidence, Owner, System

#: A failure; something that gave no end; several that are not named; a wrapper that only says that something inside
#: failed; a request that was refused before anything ran; a number or a line that was asked about; a success.
Kind = Literal["failure", "hang", "several", "wrapper", "refused", "code", "line", "success"]


#: What makes a handler's exit codes those of AKS node setup.
NODE_SETUP = "its name, which is that of AKS node setup"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the error happened, as far as the text tells; empty where it does not."""

    target_type: str = ""  # "Microsoft.Compute/virtualMachineScaleSets"
    resource_group: str = ""
    scale_set: str = ""
    instance_id: str = ""
    vm: str = ""
    extension: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Quoted:
    """A code and the message beside it as they stand in the text, decoded and not yet understood."""

    code: str
    message: str
    depth: int = 0  # how many wrappings it was taken out of
    place: Place = NOWHERE
    first_time: datetime | None = None
    last_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inner:
    """What the extension or its handler said last."""

    message: str  # what was said and the telling lines of the output
    text: str  # all of it
    operation: str = ""  # "install", "enable" ...
    exit_code: int | None = None
    status_code: int | None = None  # the handler's own code of what went wrong, no exit code
    limit_seconds: int | None = None  # of the agent, where it ended the handler
    cut: bool = False  # the text ends in the middle


@dataclass(frozen=True, slots=True)
class ArmError:
    """One error of the platform, understood."""

    code: str  # "" where the text has none
    kind: Kind
    family: str  # id of the sentence it was told in, "" where it is none that is known
    inside: str  # id of a sentence inside that one's message
    extension: str  # as the text names it
    publisher: str
    type: str
    handler: str  # Publisher.Type, told or likely
    handler_by: str  # "" where it is told, else what makes it likely
    system: System
    inner: Inner
    agent_code: int | None = None
    version: str = ""
    depth: int = 0
    place: Place = NOWHERE
    first_time: datetime | None = None
    last_time: datetime | None = None

    @property
    def of_node_setup(self) -> bool:
        """Whether the exit codes are those of AKS node setup, which runs as another handler."""
        return self.handler_by == NODE_SETUP


@dataclass(frozen=True, slots=True)
class Explained:
    """An error and what it means."""

    error: ArmError
    title: str
    meaning: str
    remedy: str
    platform: str  # what the platform's code means by itself
    confidence: Confidence
    documentation: str
    owner: Owner = "unknown"
    causes: tuple[Cause, ...] = ()  # the likeliest first
    do: tuple[str, ...] = ()
    dont: str = ""
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
