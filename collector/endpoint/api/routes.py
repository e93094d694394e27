"""Puts the API into the application."""

from __future__ import annotations

from fastapi import FastAPI

from collector.endpoint.api.advice import advice
from collector.endpoint.api.bundles import of_bundles
from collector.endpoint.api.compared import compared
from collector.endpoint.api.lists import lists
from collector.endpoint.api.problems import add_problems
from collector.endpoint.parts import Parts


def add_api(app: FastAPI, parts: Parts) -> None:
    app.include_router(lists(parts.database))
    app.include_router(advice(parts.database))
    app.include_router(of_bundles(parts))
    app.include_router(compared(parts))
    add_problems(app)
