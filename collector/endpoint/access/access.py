"""Everything that decides about access in one process, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector.endpoint.access.accounts import Accounts
from collector.endpoint.access.admission import Admission
from collector.endpoint.access.audit import Audit
from collector.endpoint.access.callers import Callers
from collector.endpoint.access.first import first_token, shared_key
from collector.endpoint.access.sessions import Sessions
from collector.endpoint.access.settings import AccessSettings
from collector.endpoint.access.tokens import Tokens
from collector.endpoint.database.engine import Database
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.access.openid import OpenId


@dataclass(frozen=True, slots=True)
class Access:
    tokens: Tokens
    accounts: Accounts
    sessions: Sessions
    callers: Callers
    audit: Audit
    admission: Admission
    #: None: people sign in with accounts and tokens alone.
    openid: OpenId | None
    #: Where the first token lies, on the host that made it.
    token_file: Path
    #: This process made it just now.
    is_first_start: bool


def open_access(data: Path, database: Database, settings: AccessSettings) -> Access:
    """Raises OSError if the first token can't be kept, ConfigError where what the settings name can't be used."""
    tokens, sessions = Tokens(database), Sessions(database)
    file = data / "admin.token"
    is_first = first_token(file, database)
    audit = Audit(database)
    callers = Callers(database, tokens, sessions)
    return Access(
        tokens,
        Accounts(database),
        sessions,
        callers,
        audit,
        _admission(settings, database, audit),
        _openid(settings, database),
        file,
        is_first,
    )


def _openid(settings: AccessSettings, database: Database) -> OpenId | None:
    if settings.oidc is None:
        return None
    from collector.endpoint.access.openid import OpenId

    return OpenId(settings.oidc, database)


def _admission(settings: AccessSettings, database: Database, audit: Audit) -> Admission:
    if settings.attested == "off" or settings.attested_roots is None:
        return Admission(audit)
    from collector.endpoint.access.asking import Asking
    from collector.endpoint.access.attested import Trust

    try:
        pem = settings.attested_roots.read_bytes()
    except OSError as error:
        raise ConfigError(f"--attested-roots: the file can't be read: {error.strerror}") from error
    asking = Asking(Trust(pem), shared_key("attested", database), settings.attested == "require")
    return Admission(audit, asking)
