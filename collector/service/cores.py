"""Parts of a bundle's core, where nothing else gets out."""

from __future__ import annotations

from collector.config import Config
from collector.deliver.spool import Spool
from collector.errors import (
    ConfigError,
)
from collector.model import BundleInfo
from collector.platforms.state import redaction_key
from collector.redact.redactor import Redactor


def part(config: Config, number: int, total: int | None, bundle: str | None, now: float) -> str:
    """Part `number` of the core of `bundle`, or of the newest one that waits here. Nothing is collected: the core is
    made with the first part and kept, so that the parts fit together.

    Raises ConfigError where there is no such bundle or part, BundleError where the bundle can't be read.
    """
    from collector.bundle.core_store import CoreStore
    from collector.bundle.parts import count, part_text

    store = CoreStore(config.state_dir / "cores")
    waiting = {info.id: info for info in Spool(config.state_dir / "spool", config.spool_bytes).pending()}
    newest = next(reversed(waiting), None)
    wanted = bundle or ((newest or store.newest()) if number == 1 else (store.newest() or newest))
    if wanted is None:
        raise ConfigError(f"no bundle waits in {config.state_dir}", "Run vmext collect there first.")
    core = store.get(wanted)
    if core is None:
        core = _core(config, wanted, waiting.get(wanted))
        store.keep(wanted, core, now)
    elif number == 1:
        store.begun(wanted, now)
    known = count(len(core))
    if number > known or total not in (None, known):
        asked = f"{number}/{total}" if total else str(number)
        raise ConfigError(f"the core of bundle {wanted} has {known} parts, and no part {asked}", "Begin with --part 1.")
    return part_text(core, wanted, number)


def _core(config: Config, wanted: str, stored: BundleInfo | None) -> bytes:
    from collector.bundle.core import core_bundle
    from collector.bundle.reader import glance

    if stored is None:
        hint = "Leave --bundle out for the newest one, or run vmext collect there again."
        raise ConfigError(f"bundle {wanted} does not wait in {config.state_dir} any more", hint)
    state = config.state_dir if config.state_dir.is_dir() else None
    return core_bundle(glance(stored.path), stored, Redactor(redaction_key(state)))
