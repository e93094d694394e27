"""The tables of the index. All of them can be made again from the stored bundles; `access_tables` has those that can't.

    bundles ── queue            a stored bundle that is not indexed yet has a row in both
       ├────── findings ── incidents ── incident_instances ── instances ── scale_sets
       └────── states ──────────────────────────────────────────┘

What has an `id` of 16 hexadecimal digits keeps it when the index is made again, so that links to it stay good.

A moment is kept as whole milliseconds since 1970 in UTC, so that both engines sort and compare it alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(moment: datetime) -> int:
    """Whole ones since 1970, as the tables keep a moment."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware datetime in UTC as milliseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


#: Numbers given by the database. SQLite counts only a column of exactly INTEGER by itself.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BUNDLES = sa.Table(
    "bundles",
    METADATA,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received", Moment, nullable=False),
    #: waiting: stored, not indexed yet; indexed; damaged: stored, and can't be read (`problem` says why);
    #: gone: it was removed from a watched store
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("problem", sa.String(300), nullable=False, server_default=""),
    sa.Column("created", Moment, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("incident", sa.String(16)),
    sa.Column("trigger", sa.String(16)),
    sa.Column("encrypted", sa.Boolean, nullable=False),
    sa.Column("findings", sa.Integer, nullable=False, server_default="0"),
    sa.Column("instance", sa.ForeignKey("instances.number")),
    sa.Column("scale_set", sa.ForeignKey("scale_sets.number")),
    #: These three of the first finding, so that a list of bundles is chosen by an index
    sa.Column("extension", sa.String(128)),
    sa.Column("exit_code", sa.BigInteger),
    sa.Column("owner", sa.String(16)),
    sa.Index("ix_bundles_received", "received", "id"),
    sa.Index("ix_bundles_instance", "instance", "received", "id"),
    sa.Index("ix_bundles_scale_set", "scale_set", "received", "id"),
    sa.Index("ix_bundles_verdict", "verdict", "received", "id"),
    sa.Index("ix_bundles_extension", "extension", "received", "id"),
    sa.Index("ix_bundles_exit_code", "exit_code", "received", "id"),
    sa.Index("ix_bundles_owner", "owner", "received", "id"),
)

#: Bundles that wait for the indexer. A claim ends by itself, so that a killed host loses nothing.
QUEUE = sa.Table(
    "queue",
    METADATA,
    sa.Column("bundle", sa.ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("due", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    #: The process that claimed it, see `holders`
    sa.Column("holder", sa.String(128)),
    sa.Index("ix_queue_due", "due"),
)

#: A scale set, or the lone machines of a resource group, which have no name in common.
SCALE_SETS = sa.Table(
    "scale_sets",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True),
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    #: subscription/resource group/name in small letters: see `naming.scale_set_key`
    sa.Column("key", sa.String(300), nullable=False),
    sa.Column("name", sa.String(128)),
    sa.Column("resource_group", sa.String(128)),
    sa.Column("subscription", sa.String(36)),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Index("ix_scale_sets_name", "name"),
    sa.Index("ix_scale_sets_last_seen", "last_seen", "number"),
)

INSTANCES = sa.Table(
    "instances",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True),
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column("scale_set", sa.ForeignKey("scale_sets.number"), nullable=False),
    #: What makes two bundles come from one instance: see `naming.instance_key`
    sa.Column("key", sa.String(300), nullable=False, unique=True),
    sa.Column("name", sa.String(128)),
    sa.Column("computer_name", sa.String(128)),
    sa.Column("instance_id", sa.String(64)),
    sa.Column("location", sa.String(64)),
    sa.Column("zone", sa.String(8)),
    sa.Column("system", sa.String(8)),
    sa.Column("os", sa.String(128)),
    sa.Column("agent_version", sa.String(32)),
    sa.Column("image", sa.String(256)),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("last_bundle", sa.String(16)),
    sa.Column("last_verdict", sa.String(16)),
    sa.Index("ix_instances_scale_set", "scale_set", "last_verdict", "last_seen", "number"),
    sa.Index("ix_instances_last_seen", "last_seen", "number"),
)

FINDINGS = sa.Table(
    "findings",
    METADATA,
    #: Grows with each finding, so that the newest are found first.
    sa.Column("serial", NUMBER, primary_key=True),
    sa.Column("bundle", sa.ForeignKey("bundles.id", ondelete="CASCADE"), nullable=False),
    #: Its place in the bundle's list, from 0
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("incident", sa.ForeignKey("incidents.number")),
    sa.Column("scale_set", sa.BigInteger),
    sa.Column("instance", sa.BigInteger),
    sa.Column("rule", sa.String(64)),
    sa.Column("kind", sa.String(8)),
    sa.Column("extension", sa.String(128)),
    sa.Column("version", sa.String(32)),
    sa.Column("operation", sa.String(32)),
    sa.Column("exit_code", sa.BigInteger),
    sa.Column("owner", sa.String(16)),
    sa.Column("title", sa.String(200)),
    sa.Column("message", sa.String(500)),
    sa.Column("time", Moment),
    sa.UniqueConstraint("bundle", "number"),
    sa.Index("ix_findings_incident", "incident", "bundle"),
)

#: The same failure on the instances of one scale set; `naming.signature` says what "the same" is.
INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True),
    #: `naming.signature`: the same failure in the same scale set
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column("scale_set", sa.ForeignKey("scale_sets.number"), nullable=False),
    sa.Column("kind", sa.String(8)),
    sa.Column("rule", sa.String(64)),
    sa.Column("extension", sa.String(128)),
    sa.Column("operation", sa.String(32)),
    sa.Column("exit_code", sa.BigInteger),
    sa.Column("owner", sa.String(16)),
    sa.Column("title", sa.String(200)),
    sa.Column("message", sa.String(500)),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("last_received", Moment, nullable=False),
    sa.Column("instances", sa.Integer, nullable=False),
    sa.Column("bundles", sa.Integer, nullable=False),
    sa.Index("ix_incidents_last_seen", "last_seen", "number"),
    sa.Index("ix_incidents_last_received", "last_received"),
    sa.Index("ix_incidents_scale_set", "scale_set", "last_seen", "number"),
    sa.Index("ix_incidents_extension", "extension", "last_seen", "number"),
    sa.Index("ix_incidents_exit_code", "exit_code", "last_seen", "number"),
)

INCIDENT_INSTANCES = sa.Table(
    "incident_instances",
    METADATA,
    sa.Column("incident", sa.ForeignKey("incidents.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("instance", sa.ForeignKey("instances.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("bundles", sa.Integer, nullable=False),
    sa.Column("bundle", sa.String(16), nullable=False),
    sa.Index("ix_incident_instances_instance", "instance", "last_seen"),
    sa.Index("ix_incident_instances_last_seen", "incident", "last_seen", "instance"),
)

#: What the newest bundle of an instance says of each of its extensions: the cells of the matrix.
STATES = sa.Table(
    "states",
    METADATA,
    sa.Column("instance", sa.ForeignKey("instances.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("extension", sa.String(128), primary_key=True),
    sa.Column("scale_set", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("version", sa.String(32)),
    sa.Column("exit_code", sa.BigInteger),
    sa.Column("title", sa.String(200)),
    sa.Column("bundle", sa.String(16), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Index("ix_states_scale_set", "scale_set"),
)
