"""Bundles out of the spool, to where the configuration says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from collector.config import Config
from collector.deliver.spool import Spool
from collector.errors import (
    ConfigError,
    VmextError,
)
from collector.model import BundleInfo, Delivery
from collector.platforms import current

log = logging.getLogger(__name__)

_MOST_FAILED_IN_A_ROW = 3


def upload(config: Config) -> Iterator[tuple[BundleInfo, Delivery]]:
    """Sends every bundle of the spool, oldest first, and tells what came of each.

    After a few failures in a row the endpoint counts as out of reach, and the others wait for the next time.
    Raises ConfigError without an address, SpoolError if the spool can't be read.
    """
    if not config.upload_url:
        raise ConfigError(
            "no endpoint is given",
            "Give --upload URL, VMEXT_UPLOAD_URL or upload_url in the configuration file.",
        )
    from collector.deliver.send import wait_spread
    from collector.deliver.targets import shown

    _check(config.state_dir)
    spool = spool_of(config, config.state_dir)
    failed = 0
    pending, unreadable = spool.look()
    for file, reason in unreadable:
        left = Delivery("spooled", shown(config.upload_url), error=f"{file} can't be read: {reason}.")
        yield BundleInfo(file.stem, file, 0, ""), left
    for number, bundle in enumerate(pending):
        if number == 0:
            wait_spread(config.spread_seconds)
        if not spool.waits(bundle):
            continue  # another process has sent it meanwhile
        if failed >= _MOST_FAILED_IN_A_ROW:
            yield bundle, Delivery("spooled", shown(config.upload_url), error="not tried after the failures before.")
            continue
        delivery = sent(config, bundle, spool, patience=0.0)
        if delivery.state != "skipped":
            failed = failed + 1 if delivery.state == "spooled" and spool.waits(bundle) else 0
        yield bundle, delivery


def _check(state: Path) -> None:
    """Nothing that others may have put there is sent in our name. Raises ConfigError."""
    try:
        if state.is_dir():
            current().make_private(state)
    except PermissionError as error:
        raise ConfigError(f"the state folder {state} can't be used: {error.strerror}") from error
    except OSError as error:
        log.debug("%s is left as it is: %s", state, error.strerror)  # a disk that can only be read


def delivered(config: Config, bundle: BundleInfo, state: Path, *, upload: bool) -> Delivery:
    """Makes room in the spool, and sends the bundle where that is wanted and an address is known."""
    spool = spool_of(config, state)
    spool.keep_within_quota(bundle.id, verdict_of)
    if not upload or not config.upload_url:
        return Delivery("skipped")
    from collector.deliver.send import wait_spread

    wait_spread(config.spread_seconds)
    delivery = sent(config, bundle, spool)
    return replace(delivery, state="spooled") if delivery.state == "skipped" else delivery


def sent(config: Config, bundle: BundleInfo, spool: Spool, patience: float | None = None) -> Delivery:
    from collector.bundle.verifying import no_bundle
    from collector.deliver.send import deliver
    from collector.deliver.targets.network import Network

    return deliver(
        replace(bundle, labels=_labels(bundle)),
        spool,
        str(config.upload_url),
        config.token,
        identity_client_id=config.identity_client_id,
        identity_resource_id=config.identity_resource_id,
        deadline_seconds=config.deadline_seconds,
        network=Network(config.ca_bundle, config.proxy, config.client_cert, config.client_key),
        patience=patience,
        fault_of=no_bundle,
    )


def spool_of(config: Config, state: Path) -> Spool:
    return Spool(state / "spool", config.spool_bytes, config.spool_days * 86_400)


def verdict_of(file: Path) -> str | None:
    """What a bundle of the spool tells, for the choice of what has to go."""
    from collector.bundle.reader import glance

    try:
        return glance(file).verdict
    except VmextError:
        return None


def _labels(bundle: BundleInfo) -> tuple[tuple[str, str], ...]:
    """What a store keeps beside the bundle, so that it can be listed without opening each."""
    from collector.bundle.reader import glance

    try:
        opened = glance(bundle.path)
        instance = opened.identity.instance_name or opened.identity.computer_name
        return (("instance", instance or ""), ("verdict", opened.verdict), ("created", opened.created.isoformat()))
    except (VmextError, OSError) as error:
        log.info("bundle %s goes without labels: %s", bundle.id, error)
        return ()
