"""Bytes to lines: open, decode and split any file within a bounded memory.

What both ways of reading share: `encoding`, `normal` (line ends, NULs), `split` (lines), `archive` (gzip), and `words`
with `sift`, which find the records that hold one.

A file that lies there, for a run: `lines` reads a `source` as a `plan` says; `gaps` finds a time frame by a few looks
(`probe`), `window` keeps its records, `numbers` counts its lines. `state` reads small files whole.

A log that grows, for the resident agent: `tailing` follows it, `keeping` has its newest lines.
"""

from __future__ import annotations
