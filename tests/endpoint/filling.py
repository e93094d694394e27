"""Fills an index as a large site would, fast and always alike: the real way in, without the archives but for a sample.

    python -m tests.endpoint.filling DIR [--database URL] --bundles 100000 --findings-per-bundle 10 --real 50

`vmext endpoint --data DIR [--database URL]` then serves it. The archives of the `--real` newest bundles are in the
store, so that their pages open; the others are rows alone.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, cast

from collector.bundle.reader import Bundle, open_received
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.indexing.rows import Row, bundle_row, entry
from collector.endpoint.indexing.writing import write
from collector.endpoint.intake.committing import insert_bundles
from collector.endpoint.settings import Settings
from collector.endpoint.stores.folder import FolderStore
from collector.model import ExtensionState, Identity, Trigger
from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied
from tests.endpoint.spread import EXTENSIONS, Site, Story, message, site

_AT_ONCE = 1_000
#: When the newest bundle was received, unless told.
_UNTIL = datetime(2026, 6, 30, 12, tzinfo=timezone.utc)
_DAYS = 90
#: Of twenty bundles one tells that all is well, and another one twice as much as the rest.
_TIMES = {0: 0, 1: 2}


@dataclass(frozen=True)
class _Manifest:
    """What `bundle_row` and `entry` read of a bundle."""

    id: str
    created: datetime
    identity: Identity
    findings: Sequence[dict[str, Any]]
    states: Sequence[ExtensionState]
    verdict: str
    trigger: Trigger
    manifest: dict[str, str]


def fill(
    database: Database,
    *,
    bundles: int,
    findings: int = 10,
    seed: int = 1,
    until: datetime = _UNTIL,
    start: int = 0,
) -> None:
    """Writes the bundles number `start` to `bundles` of a site that has `bundles` of them. Raises OSError."""
    place = site(bundles)
    numbers = iter(range(start, bundles))
    while some := list(islice(numbers, _AT_ONCE)):
        made = [_made(place, number, bundles, findings, seed, until) for number in some]
        with database.writing() as connection:
            insert_bundles(database, connection, [_row(one) for one in made])
            write(database, connection, [entry(cast(Bundle, one)) for one in made])


def add_real(
    database: Database, store: FolderStore, *, count: int, of: int, findings: int = 10, until: datetime = _UNTIL
) -> list[str]:
    """Archives of as many instances of the site, received after all others; gives their ids. Raises OSError."""
    place, ids = site(of), []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        base = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
        for number in range(count):
            random = Random(f"real {number}")
            made = _made(place, number, of, findings, 0, until)
            told = {name: getattr(made.identity, name) for name in Identity.__slots__}
            when = until + timedelta(seconds=number + random.random())
            file = varied(base, folder, **told, created=f"{when:%Y-%m-%dT%H:%M:%SZ}", findings=made.findings)
            ids.append(receive(database, store, file, when))
    return ids


def receive(database: Database, store: FolderStore, file: Path, when: datetime) -> str:
    """Stores and indexes a bundle; gives its id. Raises OSError."""
    incoming = store.receive()
    incoming.write(file.read_bytes())
    sha256 = incoming.finish()
    store.keep(incoming, sha256)
    with store.opened(sha256) as stored:
        bundle = open_received(stored)
    with database.writing() as connection:
        insert_bundles(database, connection, [bundle_row(bundle, sha256, incoming.size, when)])
        write(database, connection, [entry(bundle)])
    return bundle.id


def _made(place: Site, number: int, of: int, findings: int, seed: int, until: datetime) -> _Manifest:
    random = Random(seed * 1_000_003 + number)
    created = until - timedelta(days=_DAYS) * (1 - number / of) + timedelta(milliseconds=random.randrange(60_000))
    group, member = place.instance(random)
    stories = random.choices(
        group.stories, weights=range(len(group.stories), 0, -1), k=findings * _TIMES.get(number % 20, 1)
    )
    told = [_finding(random, one, created - timedelta(seconds=random.randrange(3_600))) for one in stories]
    failed = {one["extension"] for one in told}
    states = [
        ExtensionState(one, None, _version(random, one), "success") for one in group.extensions if one not in failed
    ]
    verdict = "hanging" if told and told[0]["kind"] == "hang" else "failed" if told else "healthy"
    name = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return _Manifest(
        name[:16],
        created.replace(microsecond=0),
        group.identity(member),
        told,
        states,
        verdict,
        Trigger("watch" if random.random() < 0.3 else "command", ""),
        {"incident": name[16:32]},
    )


def _row(made: _Manifest) -> Row:
    sha256 = hashlib.sha256(made.id.encode()).hexdigest()
    received = made.created + timedelta(seconds=2)
    return bundle_row(cast(Bundle, made), sha256, 20_000 + int(sha256[:4], 16), received)


def _finding(random: Random, story: Story, when: datetime) -> dict[str, Any]:
    return {
        "id": story.rule,
        "kind": story.kind,
        "title": story.title,
        "extension": story.extension,
        "version": _version(random, story.extension),
        "operation": story.operation,
        "exit_code": story.exit_code,
        "owner": story.owner,
        "message": message(random, story),
        "first_time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
    }


def _version(random: Random, extension: str) -> str:
    """An extension has few that are in use."""
    return f"1.{EXTENSIONS.index(extension)}.{random.randrange(3)}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--database")
    parser.add_argument("--bundles", type=int, default=10_000)
    parser.add_argument("--findings-per-bundle", type=int, default=10)
    parser.add_argument("--real", type=int, default=50, help="bundles whose archives are in the store")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=datetime.fromisoformat, default=_UNTIL, help="2026-06-30T12:00:00+00:00")
    given = parser.parse_args(arguments)
    given.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(Settings(given.data, given.database).database_url)
    migrate(database)
    began = time.monotonic()
    options = {"findings": given.findings_per_bundle, "until": given.until}
    fill(database, bundles=given.bundles, seed=given.seed, **options)
    for name in add_real(database, FolderStore(given.data), count=given.real, of=given.bundles, **options):
        print(f"/bundles/{name}")
    print(f"{given.bundles} bundles in {time.monotonic() - began:.0f} s; {len(EXTENSIONS)} extensions")
    database.close()


def sizes(database: Database) -> Iterator[tuple[str, int]]:
    """Bytes of the index: all of it under the name `index`; by table where the engine tells them."""
    with database.reading() as connection:
        if not database.is_postgresql:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            yield "index", int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
            return
        yield "index", int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
        query = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        for row in connection.exec_driver_sql(query + "'public'::regnamespace ORDER BY relname"):
            yield str(row[0]), int(row[1])


if __name__ == "__main__":
    main()
