"""The order of names."""

from __future__ import annotations

from collector.fleet.natural import natural


def test_numbers_in_names_are_numbers():
    names = ["web_2", "web_10", "web_1", "²3", "7", "10", "a", "9" * 5000]
    assert [one for one in sorted(names, key=natural) if len(one) < 10] == [
        *("7", "10", "a", "web_1", "web_2", "web_10", "²3"),
    ]
