"""The search over the texts of failures and the names of instances.

Each of three tables has one of words beside it, filled by triggers, so that it says what its table says in every
transaction, whoever wrote there. A row's words are those of its texts, in small letters, cut at all that is no letter
and no digit; beside them stand marks that no text has: the scale set (s12), the instance (i34), the exit code (c127).

SQLite: FTS5 without a copy of the texts. PostgreSQL: a `tsvector` behind a GIN index; words are cut before its own
parser sees them, which would make other things of paths and addresses.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

#: For each table: its number, its texts, its marks.
_TABLES = {
    "findings": (
        "serial",
        ("title", "extension", "rule", "message"),
        (("s", "scale_set"), ("i", "instance"), ("c", "exit_code")),
    ),
    "incidents": (
        "number",
        ("title", "extension", "rule", "message"),
        (("s", "scale_set"), ("c", "exit_code")),
    ),
    "instances": ("number", ("name", "computer_name"), (("s", "scale_set"),)),
}


def upgrade() -> None:
    make = _for_postgresql if op.get_bind().dialect.name == "postgresql" else _for_sqlite
    for table, (key, texts, marks) in _TABLES.items():
        for statement in make(table, key, texts, marks):
            op.get_bind().exec_driver_sql(statement)


def _changed(texts: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"old.{text} {differs} new.{text}" for text in texts)


def _for_sqlite(table: str, key: str, texts: tuple[str, ...], marks: tuple[tuple[str, str], ...]) -> list[str]:
    def row(which: str) -> str:
        said = " || ' ' || ".join(f"coalesce({which}{text}, '')" for text in texts)
        marked = " || ' ' || ".join(f"coalesce('{letter}' || {_code(which + name)}, '')" for letter, name in marks)
        return f"{which}{key}, {said}, {marked}"

    words = f"{table}_words"
    add = f"INSERT INTO {words}(rowid, said, marks) VALUES ({row('new.')});"
    take = f"INSERT INTO {words}({words}, rowid, said, marks) VALUES ('delete', {row('old.')});"
    return [
        f"CREATE VIRTUAL TABLE {words} USING fts5(said, marks, content='', columnsize=0, "
        "tokenize='unicode61 remove_diacritics 0')",
        f"INSERT INTO {words}(rowid, said, marks) SELECT {row('')} FROM {table}",
        f"CREATE TRIGGER {words}_new AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {words}_gone AFTER DELETE ON {table} BEGIN {take} END",
        f"CREATE TRIGGER {words}_changed AFTER UPDATE ON {table} WHEN {_changed(texts, 'IS NOT')} "
        f"BEGIN {take} {add} END",
    ]


def _code(column: str) -> str:
    """A number below zero as a word: n1 for -1."""
    return f"replace({column}, '-', 'n')"


def _for_postgresql(table: str, key: str, texts: tuple[str, ...], marks: tuple[tuple[str, str], ...]) -> list[str]:
    def row(which: str) -> str:
        said = " || ' ' || ".join(f"coalesce({which}{text}, '')" for text in texts)
        marked = ", ".join(f"'{letter}:' || replace({which}{name}::text, '-', 'n')" for letter, name in marks)
        cut = rf"regexp_replace(lower({said}), '[^[:alnum:]]+', ' ', 'g')"
        return f"{which}{key}, to_tsvector('simple', {cut}) || array_to_tsvector(array_remove(ARRAY[{marked}], NULL))"

    words = f"{table}_words"
    write = f"INSERT INTO {words} VALUES ({row('new.')}) ON CONFLICT (number) DO UPDATE SET words = excluded.words"
    trigger = f"FOR EACH ROW EXECUTE FUNCTION {words}_write()"
    return [
        f"CREATE TABLE {words} (number BIGINT PRIMARY KEY REFERENCES {table} ({key}) ON DELETE CASCADE, "
        "words TSVECTOR NOT NULL)",
        f"INSERT INTO {words} SELECT {row('')} FROM {table}",
        f"CREATE INDEX ix_{words}_words ON {words} USING gin (words)",
        f"CREATE FUNCTION {words}_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {write}; RETURN NULL; END $$",
        f"CREATE TRIGGER {words}_new AFTER INSERT ON {table} {trigger}",
        f"CREATE TRIGGER {words}_changed AFTER UPDATE ON {table} "
        f"FOR EACH ROW WHEN ({_changed(texts, 'IS DISTINCT FROM')}) EXECUTE FUNCTION {words}_write()",
    ]
