"""The timeline of a bundle and the matrix of a scale set, as pages draw them. Pure."""

from __future__ import annotations

from typing import Any

from collector.endpoint.pages.timeline.rows import Timeline
from collector.endpoint.reading.matrix import Whole
from collector.endpoint.reading.members import Cell, Member, matrix
from collector.model import iso


def timeline_told(made: Timeline | None) -> dict[str, Any]:
    if made is None:
        return {"schema": 1, "start": None, "end": None, "is_local": False, "lanes": [], "gap": None, "left_out": 0}
    lanes = [
        {
            "label": lane.label,
            "outcome": lane.outcome,
            "rows": [
                {name: getattr(row, name) for name in ("label", "outcome", "words", "step", "path", "line")}
                | {"spans": [(iso(span.start), iso(span.end)) for span in row.spans]}
                for row in lane.rows
            ],
        }
        for lane in made.lanes
    ]
    gap = made.gap and {"start": iso(made.gap.start), "end": iso(made.gap.end), "words": made.gap.words}
    told = {"schema": 1, "start": iso(made.start), "end": iso(made.end), "is_local": made.is_local}
    return told | {"lanes": lanes, "gap": gap, "left_out": made.left_out}


def matrix_of(whole: Whole) -> dict[str, Any]:
    drawn = matrix(whole.members)
    rows = [
        {
            "outcome": row.outcome,
            "cells": [_cell(cell) for cell in row.cells],
            "instances": [_member(member) for member in row.members],
        }
        for row in drawn.rows
    ]
    return {"extensions": list(drawn.extensions), "rows": rows, "silent": [_member(one) for one in whole.silent]}


def _cell(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in ("outcome", "exit_code", "version", "title")}


def _member(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in ("id", "label", "instance_id", "verdict", "bundle", "last_seen")}
