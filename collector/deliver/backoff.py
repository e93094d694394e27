"""How long to wait before the next try: exponential with full jitter, within a deadline. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Times in seconds. Source of the form: AWS Architecture Blog, Exponential Backoff And Jitter."""

    base: float = 0.5
    cap: float = 20.0

    def delay(self, attempt: int, random: Callable[[], float], retry_after: float | None = None) -> float:
        """Seconds before try `attempt` + 1 (the first try is 1). `random` gives 0 to 1.

        What the receiver asked for by Retry-After is the least; it is not capped, only the deadline ends it. It is told
        in whole seconds, and many may be told the same one: they come at any time within the second after it.
        """
        chance = random()
        jittered = chance * min(self.cap, self.base * 2.0 ** min(attempt, 16))
        return max(float(jittered), retry_after + chance if retry_after else 0.0)
