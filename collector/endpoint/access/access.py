"""Everything that decides about access in one process, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collector.endpoint.access.accounts import Accounts
from collector.endpoint.access.admission import Admission
from collector.endpoint.access.audit import Audit
from collector.endpoint.access.callers import Callers
from collector.endpoint.access.first import first_token
from collector.endpoint.access.sessions import Sessions
from collector.endpoint.access.tokens import Tokens
from collector.endpoint.database.engine import Database


@dataclass(frozen=True, slots=True)
class Access:
    tokens: Tokens
    accounts: Accounts
    sessions: Sessions
    callers: Callers
    audit: Audit
    admission: Admission
    #: Where the first token lies, on the host that made it.
    token_file: Path
    #: This process made it just now.
    is_first_start: bool


def open_access(data: Path, database: Database) -> Access:
    """Raises OSError if the first token can't be kept."""
    tokens, sessions = Tokens(database), Sessions(database)
    file = data / "admin.token"
    is_first = first_token(file, database)
    callers = Callers(database, tokens, sessions)
    return Access(tokens, Accounts(database), sessions, callers, Audit(database), Admission(), file, is_first)
