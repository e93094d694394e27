"""The index with a queue, instances and incidents."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.BigInteger()


def upgrade() -> None:
    tokens = _remove_the_first_index()
    _create_scale_sets()
    _create_instances()
    _create_incidents()
    _create_bundles()
    _create_findings()
    table = op.create_table(
        "tokens",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
    )
    if tokens:
        now = int(time.time() * 1000)
        op.bulk_insert(table, [{"sha256": sha256, "name": name, "created": now} for sha256, name in tokens])


def _remove_the_first_index() -> list[tuple[str, str]]:
    """The index of the first version, which had no steps: all but its tokens is made again from the bundles."""
    connection = op.get_bind()
    if not sa.inspect(connection).has_table("schema"):
        return []
    tokens = [(row[0], row[1]) for row in connection.exec_driver_sql("SELECT sha256, name FROM tokens")]
    for name in ("findings", "bundles", "tokens", "schema"):
        op.drop_table(name)
    return tokens


def _create_scale_sets() -> None:
    op.create_table(
        "scale_sets",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("name", sa.String(128)),
        sa.Column("resource_group", sa.String(128)),
        sa.Column("subscription", sa.String(36)),
        sa.Column("first_seen", _MOMENT, nullable=False),
        sa.Column("last_seen", _MOMENT, nullable=False),
        sa.UniqueConstraint("id", name="uq_scale_sets_id"),
    )
    op.create_index("ix_scale_sets_name", "scale_sets", ["name"])
    op.create_index("ix_scale_sets_last_seen", "scale_sets", ["last_seen", "number"])


def _create_instances() -> None:
    op.create_table(
        "instances",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("scale_set", _NUMBER, sa.ForeignKey("scale_sets.number"), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("name", sa.String(128)),
        sa.Column("computer_name", sa.String(128)),
        sa.Column("instance_id", sa.String(64)),
        sa.Column("location", sa.String(64)),
        sa.Column("zone", sa.String(8)),
        sa.Column("system", sa.String(8)),
        sa.Column("os", sa.String(128)),
        sa.Column("agent_version", sa.String(32)),
        sa.Column("image", sa.String(256)),
        sa.Column("first_seen", _MOMENT, nullable=False),
        sa.Column("last_seen", _MOMENT, nullable=False),
        sa.Column("last_bundle", sa.String(16)),
        sa.Column("last_verdict", sa.String(16)),
        sa.UniqueConstraint("id", name="uq_instances_id"),
        sa.UniqueConstraint("key", name="uq_instances_key"),
    )
    op.create_index("ix_instances_scale_set", "instances", ["scale_set", "last_verdict", "last_seen", "number"])
    op.create_index("ix_instances_last_seen", "instances", ["last_seen", "number"])
    op.create_table(
        "states",
        sa.Column("instance", _NUMBER, sa.ForeignKey("instances.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("extension", sa.String(128), primary_key=True),
        sa.Column("scale_set", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("version", sa.String(32)),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("title", sa.String(200)),
        sa.Column("bundle", sa.String(16), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
    )
    op.create_index("ix_states_scale_set", "states", ["scale_set"])


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("scale_set", _NUMBER, sa.ForeignKey("scale_sets.number"), nullable=False),
        sa.Column("kind", sa.String(8)),
        sa.Column("rule", sa.String(64)),
        sa.Column("extension", sa.String(128)),
        sa.Column("operation", sa.String(32)),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("owner", sa.String(16)),
        sa.Column("title", sa.String(200)),
        sa.Column("message", sa.String(500)),
        sa.Column("first_seen", _MOMENT, nullable=False),
        sa.Column("last_seen", _MOMENT, nullable=False),
        sa.Column("last_received", _MOMENT, nullable=False),
        sa.Column("instances", sa.Integer, nullable=False),
        sa.Column("bundles", sa.Integer, nullable=False),
        sa.UniqueConstraint("id", name="uq_incidents_id"),
    )
    op.create_index("ix_incidents_last_seen", "incidents", ["last_seen", "number"])
    op.create_index("ix_incidents_last_received", "incidents", ["last_received"])
    for name in ("scale_set", "extension", "exit_code"):
        op.create_index(f"ix_incidents_{name}", "incidents", [name, "last_seen", "number"])
    op.create_table(
        "incident_instances",
        sa.Column("incident", _NUMBER, sa.ForeignKey("incidents.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("instance", _NUMBER, sa.ForeignKey("instances.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("first_seen", _MOMENT, nullable=False),
        sa.Column("last_seen", _MOMENT, nullable=False),
        sa.Column("bundles", sa.Integer, nullable=False),
        sa.Column("bundle", sa.String(16), nullable=False),
    )
    op.create_index("ix_incident_instances_instance", "incident_instances", ["instance", "last_seen"])
    op.create_index("ix_incident_instances_last_seen", "incident_instances", ["incident", "last_seen", "instance"])


def _create_bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("received", _MOMENT, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("problem", sa.String(300), nullable=False, server_default=""),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("incident", sa.String(16)),
        sa.Column("trigger", sa.String(16)),
        sa.Column("encrypted", sa.Boolean, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False, server_default="0"),
        sa.Column("instance", _NUMBER, sa.ForeignKey("instances.number")),
        sa.Column("scale_set", _NUMBER, sa.ForeignKey("scale_sets.number")),
        sa.Column("extension", sa.String(128)),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("owner", sa.String(16)),
        sa.UniqueConstraint("sha256", name="uq_bundles_sha256"),
    )
    op.create_index("ix_bundles_received", "bundles", ["received", "id"])
    for name in ("instance", "scale_set", "verdict", "extension", "exit_code", "owner"):
        op.create_index(f"ix_bundles_{name}", "bundles", [name, "received", "id"])
    op.create_table(
        "queue",
        sa.Column("bundle", sa.String(16), sa.ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("due", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("holder", sa.String(128)),
    )
    op.create_index("ix_queue_due", "queue", ["due"])


def _create_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("serial", _NUMBER, primary_key=True),
        sa.Column("bundle", sa.String(16), sa.ForeignKey("bundles.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("incident", _NUMBER, sa.ForeignKey("incidents.number")),
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
        sa.Column("time", _MOMENT),
        sa.UniqueConstraint("bundle", "number", name="uq_findings_bundle_number"),
    )
    op.create_index("ix_findings_incident", "findings", ["incident", "bundle"])
