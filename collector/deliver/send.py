"""Sends what lies in the spool, with retries within a deadline."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from collector.deliver.backoff import Backoff
from collector.deliver.deadline import within
from collector.deliver.spool import Spool
from collector.deliver.targets import Target, shown, target_for
from collector.errors import DeliveryError, RefusedError, VmextError
from collector.model import BundleInfo, Delivery

if TYPE_CHECKING:
    from collector.deliver.targets.network import Network

log = logging.getLogger(__name__)

_LEAST_SECONDS = 0.5
#: A target ends in time by itself and knows why; it gets so many seconds more before it is left behind.
_GRACE_SECONDS = 1.0


def send(
    bundle: BundleInfo,
    target: Target,
    *,
    deadline_seconds: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
    backoff: Backoff = Backoff(),  # noqa: B008 - frozen
) -> Delivery:
    """One bundle to one target. Raises DeliveryError with the last reason when the deadline has passed."""
    end = clock() + deadline_seconds
    attempt = 0
    while True:
        attempt += 1
        try:
            return _put(target, bundle, max(_LEAST_SECONDS, end - clock()))
        except DeliveryError as error:
            delay = backoff.delay(attempt, chance, error.retry_after)
            log.info("try %s failed: %s", attempt, error)
            if not error.retry or clock() + delay >= end:
                error.args = (_tried(error, attempt),)
                raise
            sleep(delay)


def _put(target: Target, bundle: BundleInfo, seconds: float) -> Delivery:
    """Raises DeliveryError, also where the target does not come back."""
    try:
        return within(seconds + _GRACE_SECONDS, lambda: target.put(bundle, seconds))
    except TimeoutError:
        raise DeliveryError(f"{target.name} did not answer in time") from None


def wait_spread(
    seconds: float, chance: Callable[[], float] = random.random, sleep: Callable[[float], None] = time.sleep
) -> float:
    """Waits for a random part of `seconds`, so that machines told at once do not arrive at once; gives how long."""
    delay = seconds * chance()
    if delay > 0:
        log.info("sending starts in %.1f s", delay)
        sleep(delay)
    return delay


def deliver(
    bundle: BundleInfo,
    spool: Spool,
    url: str,
    token: str | None,
    *,
    ca_bundle: str | None = None,
    identity_client_id: str | None = None,
    identity_resource_id: str | None = None,
    deadline_seconds: float = 60.0,
    network: Network | None = None,
    patience: float | None = None,
    fault_of: Callable[[Path], str | None] = lambda file: None,
) -> Delivery:
    """Sends one bundle of the spool and takes it out when the receipt has come. Never raises VmextError.

    Where another process sends it at the moment, its end is waited for, `patience` seconds at most (by default
    as long as delivery may take); state "skipped" when it goes on for longer. A file with a `fault_of` its own is
    set aside unsent, since a store would take any file.
    """
    end = time.monotonic() + deadline_seconds
    try:
        with spool.claim(bundle, deadline_seconds if patience is None else patience) as mine:
            if not mine:
                return Delivery("skipped", shown(url), error="another process is sending it at the moment.")
            if not spool.waits(bundle):
                return spool.receipt(bundle) or Delivery(
                    "spooled",
                    shown(url),
                    error="another process took it out of the spool, and no receipt of it is kept.",
                )
            if fault := _fault(bundle, fault_of):
                aside = spool.reject(bundle, fault)
                return Delivery("spooled", shown(url), error=f"{fault}; it is set aside as {aside}")
            target = target_for(
                url,
                token,
                ca_bundle=ca_bundle,
                identity_client_id=identity_client_id,
                identity_resource_id=identity_resource_id,
                network=network,
            )
            return _hand_over(bundle, spool, target, max(_LEAST_SECONDS, end - time.monotonic()))
    except VmextError as error:
        return Delivery("spooled", shown(url), error=" ".join(part for part in (f"{error}.", error.hint) if part))


def _fault(bundle: BundleInfo, fault_of: Callable[[Path], str | None]) -> str | None:
    """Raises DeliveryError where the file can't be read."""
    try:
        return fault_of(bundle.path)
    except OSError as error:
        raise DeliveryError(f"{bundle.path} can't be read: {error.strerror or error}") from error


def _hand_over(bundle: BundleInfo, spool: Spool, target: Target, seconds: float) -> Delivery:
    """Raises DeliveryError, SpoolError; what the receiver refuses for good is set aside."""
    try:
        delivery = send(bundle, target, deadline_seconds=seconds)
    except RefusedError as error:
        return Delivery("spooled", target.name, error=f"{error}; it is set aside as {spool.reject(bundle, str(error))}")
    try:
        spool.sent(bundle, delivery)
    except OSError as error:  # delivered it is; sent once more, it gets the same receipt
        log.warning("%s is delivered and can't be removed: %s", bundle.path, error.strerror)
    return delivery


def _tried(error: DeliveryError, attempts: int) -> str:
    asked = f", which asks to wait {error.retry_after:g} s" if error.retry_after else ""
    return f"{error}{asked}" if attempts == 1 else f"{error}{asked}, {attempts} tries"
