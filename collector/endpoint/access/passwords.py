"""Passwords of local accounts, as argon2id keeps them."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from collector.errors import ConfigError

#: As OWASP's Password Storage Cheat Sheet and NIST SP 800-63B have it: long rather than odd.
LEAST, MOST = 12, 256

# 19 MiB, two rounds, one lane: the first of OWASP's equal choices
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check_password(password: str, name: str) -> None:
    """Raises ConfigError for what is guessed too easily."""
    if not LEAST <= len(password) <= MOST:
        raise ConfigError(f"a password has {LEAST} to {MOST} characters", "Several words are easy to keep in mind.")
    if password.lower() in (name * LEAST)[: len(password)].lower() or len(set(password)) < 5:
        raise ConfigError("this password is guessed at once", "Take several words that nobody puts together.")


def hashed(password: str) -> str:
    """As argon2id writes it, with its parameters and salt."""
    return _HASHER.hash(password)


def is_password(known: str | None, password: str) -> bool:
    """Takes as long for an account that is not there (`known` None), so that time tells nobody which ones are."""
    try:
        return _HASHER.verify(known or _nobody(), password[: MOST + 1]) and known is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
