"""What a command asks for, done: one run, sending what waits, the parts of a core, the configuration looked at."""

from __future__ import annotations
