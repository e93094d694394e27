"""Follows logs that others write, rotate, copy, empty and pack, and gives every line once.

`tail` has the interface, and `following` is what its parts share. `places` says after each scan where each `stream`
lies; `turns` reads one, where `kinship` told whose content it is by `identity`, and `cutting` which bytes are whole
lines (`unpacking` does it for packed files); out comes a `piece`. `checkpoint` keeps how far each was read.
"""

from __future__ import annotations
