"""The error tree. Each class carries the exit code of a run that ends with it.

A message names what went wrong and with which file or setting; `hint` says what to do next.
"""

from __future__ import annotations

#: Exit codes of the command line. 0 nothing wrong found, 10 failure, 11 hang only.
HEALTHY = 0
USAGE = 2
INTERNAL = 3
FAILURE_FOUND = 10
HANG_FOUND = 11
NO_SOURCES = 12
STILL_RUNNING = 13
NOT_RUNNING = 14
NOT_DELIVERED = 20
PARTLY_ASKED = 21
NOT_GENUINE = 22


class VmextError(Exception):
    """Base of all errors that people are shown without a traceback."""

    exit_code = INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(VmextError):
    """A flag, an environment variable or a line of the configuration file is wrong."""

    exit_code = USAGE


class DataError(VmextError):
    """A table of the product's own knowledge is broken; names the file and the row."""


class BundleError(VmextError):
    """A bundle can't be written or read; names the file and the member."""


class NewerError(BundleError):
    """A bundle was made by a newer version, and may be whole."""


class EncryptedError(BundleError):
    """A bundle that only the owner of a key can read, and no key was given."""


class SpoolError(VmextError):
    """The spool folder can't be used; names the folder."""


class DeliveryError(VmextError):
    """A bundle was not delivered. `retry` tells whether trying again can help."""

    exit_code = NOT_DELIVERED

    def __init__(self, message: str, hint: str = "", *, retry: bool = True, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the receiver asked to wait."""
        super().__init__(message, hint)
        self.retry = retry
        self.retry_after = retry_after


class RefusedError(DeliveryError):
    """The receiver will never take this bundle."""
