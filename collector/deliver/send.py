"""Sends what lies in the spool, with retries within a deadline."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from collector.deliver.backoff import Backoff
from collector.deliver.spool import Spool
from collector.deliver.targets import Target, shown, target_for
from collector.errors import DeliveryError, RefusedError, VmextError
from collector.model import BundleInfo, Delivery

log = logging.getLogger(__name__)

_READ_SECONDS = 60.0
_LEAST_SECONDS = 0.5


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
            return target.put(bundle, max(_LEAST_SECONDS, min(_READ_SECONDS, end - clock())))
        except DeliveryError as error:
            delay = backoff.delay(attempt, chance, error.retry_after)
            log.info("try %s failed: %s", attempt, error)
            if not error.retry or clock() + delay >= end:
                error.args = (_tried(str(error), attempt),)
                raise
            sleep(delay)


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
) -> Delivery:
    """Sends one bundle of the spool and takes it out when the receipt has come. Never raises VmextError."""
    try:
        target = target_for(
            url,
            token,
            ca_bundle=ca_bundle,
            identity_client_id=identity_client_id,
            identity_resource_id=identity_resource_id,
        )
        delivery = send(bundle, target, deadline_seconds=deadline_seconds)
        spool.sent(bundle)
    except RefusedError as error:
        aside = spool.reject(bundle, str(error))
        return Delivery("spooled", shown(url), error=f"{error}; it is set aside as {aside}")
    except VmextError as error:
        return Delivery("spooled", shown(url), error=" ".join(part for part in (f"{error}.", error.hint) if part))
    except OSError as error:
        return Delivery("spooled", shown(url), error=f"{error.strerror}")
    return delivery


def _tried(reason: str, attempts: int) -> str:
    return reason if attempts == 1 else f"{reason}, {attempts} tries"
