"""The stage cache: bounded, least recently used first, all of a picture forgotten at once."""

from matted.cache import StageCache


def test_the_least_recently_used_goes_first() -> None:
    cache = StageCache(100)
    cache.put(("a", 1), "first", 40)
    cache.put(("b", 1), "second", 40)
    cache.get(("a", 1))
    cache.put(("c", 1), "third", 40)
    assert cache.get(("a", 1)) == "first"
    assert cache.get(("b", 1)) is None
    assert cache.held_bytes == 80


def test_the_newest_stays_even_if_alone_too_large() -> None:
    cache = StageCache(100)
    cache.put(("a", 1), "small", 40)
    cache.put(("b", 1), "huge", 400)
    assert cache.get(("b", 1)) == "huge"
    assert cache.get(("a", 1)) is None


def test_replacing_an_entry_counts_it_once() -> None:
    cache = StageCache(100)
    cache.put(("a", 1), "old", 60)
    cache.put(("a", 1), "new", 70)
    assert (cache.get(("a", 1)), cache.held_bytes, len(cache)) == ("new", 70, 1)


def test_dropping_a_picture_forgets_all_its_stages_and_no_other() -> None:
    cache = StageCache(100)
    cache.put(("a", "coarse"), 1, 10)
    cache.put(("a", "alpha"), 2, 10)
    cache.put(("b", "coarse"), 3, 10)
    assert cache.drop("a")
    assert not cache.drop("a")
    assert (len(cache), cache.held_bytes, cache.get(("b", "coarse"))) == (1, 10, 3)
