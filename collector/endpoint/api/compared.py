"""Two bundles, or the newest ones of two instances, side by side."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Security
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from collector.bundle.codec import plain as as_json
from collector.endpoint.access.caller import shows
from collector.endpoint.access.need import Reader
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.parameters import ID
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.api.shapes import Answer
from collector.endpoint.pages.bundle import plain
from collector.endpoint.pages.compare import bundle_id_of
from collector.endpoint.pages.comparing import Beside, Pair, Parting, beside
from collector.endpoint.pages.opening import NotShownError, received
from collector.endpoint.parts import Parts
from collector.fleet.compare.grouping import Told
from collector.model import Line

_Id = Annotated[str, Field(pattern=ID, description="id of a bundle, or of an instance: then its newest bundle")]
_LEFT_OUT = frozenset({"masked", "causes"})


class CompareAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    left: _Id
    right: _Id


class SideTold(BaseModel):
    bundle: str
    name: str
    verdict: str


class PairTold(BaseModel):
    """A value of either side; empty where it is not told there."""

    what: str
    left: str
    right: str


class LineTold(BaseModel):
    number: int
    text: str


class PartingTold(BaseModel):
    """Where two files of the same path begin to say something else; a line is null past the end of its file."""

    path: str
    same: Annotated[int, Field(description="lines before that say the same")]
    left: LineTold | None
    right: LineTold | None


class Compared(Answer):
    left: SideTold
    right: SideTold
    #: failures and hangs, as docs/bundle-format.md names their fields
    both: list[dict[str, Any]]
    only_left: list[dict[str, Any]]
    only_right: list[dict[str, Any]]
    differing: list[PairTold]
    alike: list[PairTold]
    one_sided: Annotated[list[PairTold], Field(description="what only one of the bundles tells: no difference")]
    partings: list[PartingTold]
    lines_left: Annotated[list[str], Field(description="lines like errors that only the left one has")]
    lines_right: list[str]


def compared(parts: Parts) -> APIRouter:
    refusals = problems(404, 409, 410, 422, 500)
    router = APIRouter(prefix="/v1", tags=["bundles"], responses=refusals, dependencies=[Security(BEARER)])

    @router.get("/compare", operation_id="compare")
    def side_by_side(request: Request, caller: Reader, asked: Annotated[CompareAsked, Query()]) -> Compared:
        """What differs, what only one of them has, and where their logs part."""
        try:
            with ExitStack() as stack:
                left, right = (
                    plain(stack.enter_context(received(parts, caller.within, bundle_id_of(parts, caller.within, told))))
                    for told in (asked.left, asked.right)
                )
                shows(request, left.id, right.id)
                return _told(beside(left, right), left.id, right.id)
        except NotShownError as error:
            raise RefusalError(error.status, str(error), error.hint) from error

    return router


def _told(found: Beside, left: str, right: str) -> Compared:
    one, other = (
        SideTold(bundle=bundle, name=side.name, verdict=side.verdict)
        for bundle, side in ((left, found.left), (right, found.right))
    )
    return Compared(
        left=one,
        right=other,
        both=[_failure(told) for told in found.both],
        only_left=[_failure(told) for told in found.only_left],
        only_right=[_failure(told) for told in found.only_right],
        differing=[_pair(pair) for pair in found.differing],
        alike=[_pair(pair) for pair in found.alike],
        one_sided=[_pair(pair) for pair in found.one_sided],
        partings=[_parting(parting) for parting in found.partings],
        lines_left=list(found.lines_left),
        lines_right=list(found.lines_right),
    )


def _failure(told: Told) -> dict[str, Any]:
    return {name: value for name, value in as_json(told).items() if name not in _LEFT_OUT}


def _pair(pair: Pair) -> PairTold:
    return PairTold(what=pair.what, left=pair.left, right=pair.right)


def _parting(parting: Parting) -> PartingTold:
    return PartingTold(path=parting.path, same=parting.same, left=_line(parting.left), right=_line(parting.right))


def _line(line: Line | None) -> LineTold | None:
    return None if line is None else LineTold(number=line.number, text=line.text)
