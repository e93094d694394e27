"""The peer of the endpoint's intake: the shortest handler that keeps a body as safely, and nothing else of it.

python -m tests.bench.endpoint_bare FOLDER DATABASE
"""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_TABLE = "CREATE TABLE IF NOT EXISTS taken (id VARCHAR(16) PRIMARY KEY, sha256 VARCHAR(64), bytes INTEGER)"


def app_of(folder: Path, connection: Any, insert: str) -> Starlette:
    async def put(request: Request) -> JSONResponse:
        body = await request.body()
        sha256 = hashlib.sha256(body).hexdigest()
        with (folder / f"{sha256}.zip").open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        name = request.path_params["bundle_id"]
        connection.execute(insert, (name, sha256, len(body)))
        connection.commit()
        return JSONResponse({"id": name, "sha256": sha256}, 201)

    return Starlette(routes=[Route("/v1/bundles/{bundle_id}", put, methods=["PUT"])])


def main() -> None:
    folder, database = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    connection: Any
    if database.startswith("postgresql:"):
        connection, mark = psycopg.connect(database), "%s"
    else:
        connection, mark = sqlite3.connect(database), "?"
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # the row is on the disk before the answer, as with PostgreSQL
    connection.execute(_TABLE)
    connection.commit()
    bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"bare ready on http://127.0.0.1:{bound.getsockname()[1]} ", flush=True)
    app = app_of(folder, connection, f"INSERT INTO taken VALUES ({mark}, {mark}, {mark})")
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[bound])


if __name__ == "__main__":
    main()
