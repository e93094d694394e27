"""What the agent works by, and what becomes of it when it is to be read again: what is wrong leaves all as it was."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from collector.config import Config, unknown_variables
from collector.discover.catalog import OwnTable
from collector.errors import VmextError
from collector.platforms import current
from collector.redact.redactor import Redactor
from collector.service.own_tables import own_tables
from collector.watch.order import Order

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """`warnings`: what is wrong and did not prevent anything, for `vmext status`; NOT redacted."""

    config: Config
    tables: tuple[OwnTable, ...] = ()
    warnings: tuple[str, ...] = ()


def first(load: Callable[[], Config], order: Order, environ: Mapping[str, str]) -> Settings:
    """Raises ConfigError, DataError for what is wrong."""
    return Settings(load(), _tables(order), unknown_variables(environ))


def again(load: Callable[[], Config], before: Settings, order: Order, environ: Mapping[str, str]) -> Settings:
    """Everything anew, or as it was before; the state folder stays what it was."""
    try:
        new = first(load, order, environ)
    except VmextError as error:
        return kept(before, error, order, environ)
    if new.config.state_dir != before.config.state_dir:
        log.warning("a change of state_dir needs a restart")
    log.info("the configuration was read again")
    order.tell("the configuration was read again")
    return replace(new, config=replace(new.config, state_dir=before.config.state_dir))


def kept(before: Settings, error: VmextError, order: Order, environ: Mapping[str, str]) -> Settings:
    """The settings from before, with the reason why they stay, which is told."""
    wrong = f"{error} ({error.hint.rstrip('.')})" if error.hint else str(error)
    text = f"the configuration is left as it was: {wrong}"
    log.error("%s", text)
    order.tell(Redactor(os.urandom(32)).text(text))
    return replace(before, warnings=(*unknown_variables(environ), text))


def _tables(order: Order) -> tuple[OwnTable, ...]:
    return own_tables(order.config_file or current().config_file())
