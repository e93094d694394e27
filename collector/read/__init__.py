"""Bytes to lines: open, decode and split any file within a bounded memory.

What both ways of reading share: `encoding`, `normal` (line ends, NULs), `split` (lines), `archive` (gzip), and `words`
with `sift`, which find the records that hold one.

A file that lies there, for a run: `lines` reads a `source` as a `plan` says; `gaps` finds a time frame by a few looks
(`probe`), `window` keeps its records, `numbers` counts its lines. `state` reads small files whole.

A log that grows, for the resident agent: `tail` has the interface, and `following` is what its parts share.
`places` says after each scan where each `stream` lies; `turns` reads one, where `kinship` told whose content it is by
`identity`, and `cutting` which bytes are whole lines (`unpacking` does it for packed files); out comes a `piece`.
`checkpoint` keeps how far each was read.

The newest lines of what grows: `recent` holds them until they are redacted, `ring` writes `segments`, `kept` reads
them.
"""

from __future__ import annotations
