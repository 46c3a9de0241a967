"""A partial entry returns what was put into it, and ignores a note whose images are gone."""

import numpy as np
import pytest

from redl.data.cache.partial import Partial

ROWS = (1, 3, 2)


@pytest.fixture
def partial(tmp_path):
    with open_partial(tmp_path) as partial:
        yield partial


def open_partial(folder):
    return Partial(folder / "partial", rows=ROWS, image_size=4)


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4), np.uint8)


def everything(partial, items):
    return np.concatenate(list(partial.chunks(partial.rows_of(np.array(items)))))


def test_a_new_partial_entry_has_nothing_done(partial):
    assert [False, False, False] == partial.done().tolist()


def test_what_was_put_is_done_and_comes_back(partial):
    partial.put(1, images(3))
    assert [False, True, False] == partial.done().tolist()
    np.testing.assert_array_equal(images(3), everything(partial, [False, True, False]))


def test_black_images_count_as_done(partial):
    partial.put(0, np.zeros((1, 4, 4), np.uint8))
    assert [True, False, False] == partial.done().tolist()


def test_images_come_back_in_order_whatever_the_order_they_came_in(partial):
    for number in (2, 0, 1):
        partial.put(number, images(ROWS[number], seed=number))
    expected = np.concatenate([images(ROWS[number], seed=number) for number in range(3)])
    np.testing.assert_array_equal(expected, everything(partial, [True, True, True]))


def test_an_unfinished_entry_is_found_again(tmp_path):
    with open_partial(tmp_path) as partial:
        partial.put(2, images(2))
    with open_partial(tmp_path) as partial:
        assert [False, False, True] == partial.done().tolist()
        np.testing.assert_array_equal(images(2), everything(partial, [False, False, True]))


def test_a_note_without_its_images_counts_for_nothing(tmp_path):
    with open_partial(tmp_path) as partial:
        partial.put(0, images(1))
    (tmp_path / "partial" / "images").write_bytes(b"")
    with open_partial(tmp_path) as partial:
        assert not partial.done().any()


def test_images_without_their_note_are_made_again(tmp_path):
    with open_partial(tmp_path) as partial:
        partial.put(0, images(1))
    (tmp_path / "partial" / "notes").write_bytes(b"\x01")
    with open_partial(tmp_path) as partial:
        assert not partial.done().any()


def test_more_images_than_one_chunk_come_back_whole(tmp_path):
    many = images(150)
    with Partial(tmp_path / "partial", rows=[150], image_size=4) as partial:
        partial.put(0, many)
        chunks = list(partial.chunks(np.ones(150, bool)))
    assert len(chunks) > 1
    np.testing.assert_array_equal(many, np.concatenate(chunks))
