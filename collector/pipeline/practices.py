"""Holds documented practices against the disk, where that can tell anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from collector.discover.scan import Scan
from collector.extract.signals import Signal
from collector.model import Failure, Identity, Practice, SystemFacts

#: Parts of the names of extensions that run the user's own scripts and settings: of these something can be violated
#: while all is well. Of the others, and of the machine, it matters only where something failed.
_OWN = ("customscript", "runcommand", "vmapplicationmanager", "applicationhealth", "powershell.dsc")


def is_own(extension: str | None) -> bool:
    return extension is not None and any(part in extension.lower() for part in _OWN)


def practices_of(
    root: Path,
    found: Scan,
    signals: Iterable[Signal],
    failures: Sequence[Failure],
    identity: Identity,
    facts: SystemFacts,
    now: datetime,
) -> tuple[Practice, ...]:
    """What came of the practices; nothing for a disk on which nothing failed and no script was run."""
    if not failures and not any(is_own(source.extension) for source in found.sources):
        return ()
    from collector.diagnose.practices import check
    from collector.pipeline.material import gather_material

    sources = [source for source in found.sources if failures or is_own(source.extension)]
    material = gather_material(root, identity.system, Scan(tuple(sources), found.unfound), signals, failures)
    return check(material, failures, identity, facts, now)
