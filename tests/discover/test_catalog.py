"""The tables of places: the product's own are sound, and a broken row of one's own is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector.data import table
from collector.discover.catalog import FORMATS, own_table, places
from collector.discover.scan import scan
from collector.errors import DataError
from collector.parse.registry import FORMATS as PARSERS

FOLDERS = {"lib": "var/lib/waagent", "log": "var/log/azure", "agentlog": "var/log/waagent.log"}


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_the_products_own_tables(system):
    rows = places(system, FOLDERS)
    assert len(rows) > 20
    assert all(row.source for row in rows)
    assert len({row.id for row in rows}) == len(rows)
    assert "VM extension provisioning errors" in next(row for row in rows if row.id == "article").source
    assert table(f"sources/{system}").keys() == {"source"}


def test_every_format_that_a_row_may_name_has_a_parser():
    assert FORMATS - {"auto"} == set(PARSERS)


def test_a_row_of_ones_own_comes_first(tmp_path: Path):
    log = tmp_path / "disk/opt/acme/logs/acme.log"
    log.parent.mkdir(parents=True)
    log.write_text("x\n")
    own = tmp_path / "acme.toml"
    own.write_text(
        '[[source]]\nid = "acme"\nglob = "opt/acme/logs/*.log"\nkind = "log"\nextension = "Acme.App"\nsource = "us"\n'
        '[[source]]\nid = "w"\nsystem = "windows"\nglob = "acme/*.log"\nkind = "log"\nsource = "us"\n'
    )
    sources = {source.path: source for source in scan(tmp_path / "disk", "linux", (), (own_table(own),)).sources}
    assert sources["opt/acme/logs/acme.log"].extension == "Acme.App"
    assert next(row.id for row in places("linux", FOLDERS, [own_table(own)])) == "acme"
    assert [row.id for row in places("windows", {}, [own_table(own)])][:2] == ["acme", "w"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('glob = "x"\nkind = "log"\nfoo = 1', "foo"),
        ('glob = "x"\nkind = "novel"', "novel"),
        ('glob = "x"\nkind = "log"\nformat = "runes"', "runes"),
        ('glob = "x"\nkind = "log"\npath = "("', "acme"),
        ('glob = "x"\nkind = "log"\npath = "(?P<colour>x)"', "colour"),
        ('glob = "x"\nkind = "log"\nknown = "yes"', "known"),
        ('glob = "x"', "lacks kind"),
        ('kind = "log"', "lacks glob"),
        ('glob = 3\nkind = "log"', "glob"),
        ('glob = ""\nkind = "log"', "glob"),
        ('glob = "/var/log/x"\nkind = "log"', "relative"),
        ('glob = "var/../../x"\nkind = "log"', "relative"),
        ('glob = "var\\\\log"\nkind = "log"', "relative"),
        ('glob = "{elsewhere}/x"\nkind = "log"', "elsewhere"),
        ('glob = "x"\nkind = "log"\nsystem = "plan9"', "plan9"),
        ('glob = "x"\nkind = "log"\n[[source]]\nid = "acme"\nglob = "y"\nkind = "log"\nsource = "us"', "two rows"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, says: str):
    own = tmp_path / "acme.toml"
    own.write_text(f'[[source]]\nid = "acme"\nsource = "us"\n{row}\n')
    with pytest.raises(DataError, match=re.escape(says)) as raised:
        places("linux", FOLDERS, [own_table(own)])
    assert str(own) in str(raised.value)
    assert "acme" in str(raised.value)


@pytest.mark.parametrize("text", ["= 3", "[source]\nid = 1", 'source = ["x"]', "[[sources]]\nid = 1", None])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, text: str | None):
    own = tmp_path / "acme.toml"
    if text is not None:
        own.write_text(text)
    with pytest.raises(DataError, match=re.escape(str(own))):
        places("linux", FOLDERS, [own_table(own)])
