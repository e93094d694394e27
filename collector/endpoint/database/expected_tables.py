"""Which instances a scale set should have, as `az` lists them, and when a person last looked."""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.tables import METADATA, Moment

#: The newest list of a scale set.
LISTS = sa.Table(
    "lists",
    METADATA,
    sa.Column("scale_set", sa.ForeignKey("scale_sets.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("listed", Moment, nullable=False),
    #: who gave it
    sa.Column("by", sa.String(128), nullable=False),
    #: uniform or flexible
    sa.Column("orchestration", sa.String(8), nullable=False),
    #: Manual, Automatic or Rolling; NULL where the list does not tell
    sa.Column("upgrade_policy", sa.String(16)),
)

#: Its instances. Whether one has reported is asked when the pages are made: bundles come after the list, too.
EXPECTED = sa.Table(
    "expected",
    METADATA,
    sa.Column("scale_set", sa.ForeignKey("lists.scale_set", ondelete="CASCADE"), primary_key=True),
    #: the number in a uniform set, the machine's name in a flexible one
    sa.Column("instance_id", sa.String(128), primary_key=True),
    sa.Column("name", sa.String(128)),
    sa.Column("computer_name", sa.String(128)),
    sa.Column("zone", sa.String(8)),
    #: `collector.fleet.scale_set.State` of the instance itself
    sa.Column("state", sa.String(24)),
    sa.Column("power", sa.String(24)),
    sa.Column("latest_model", sa.Boolean),
    #: JSON: for each extension an object of name, state, publisher, type, version
    sa.Column("extensions", sa.Text, nullable=False),
)

VISITS = sa.Table(
    "visits",
    METADATA,
    sa.Column("person", sa.String(128), primary_key=True),
    #: when the visit before this one ended, and when this one was last seen
    sa.Column("before", Moment),
    sa.Column("latest", Moment, nullable=False),
)
