"""The C library's search finds what `bytes.find` finds."""

from __future__ import annotations

from random import Random

from collector.platforms.text_search import finder


def test_it_finds_what_bytes_find():
    chance = Random(5)
    for length in (0, 1, 2, 17, 300, 5_000):
        data = bytes(chance.choices(b"ab\n\xe9", k=length))
        find = finder(data)
        for text in (b"a", b"ab", b"b\na", b"\xe9\xe9", b"aabb", b"z"):
            for start in range(0, length + 1, max(length // 9, 1)):
                assert find(text, start) == data.find(text, start), (data, text, start)


def test_what_it_searches_is_held():
    find = finder(b"x" * 100_000 + b"the end")
    others = [bytes([number]) * 100_007 for number in range(1, 60)]
    assert find(b"the end", 0) == 100_000
    assert all(other.find(b"the end") < 0 for other in others)
