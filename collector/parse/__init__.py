"""Lines to records, state files to values. Pure: no file is opened here, no clock is read."""

from __future__ import annotations
