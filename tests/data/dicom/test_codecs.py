"""JPEG lossless and JPEG 2000 streams hold exactly what was put in, whoever decodes them."""

import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from redl.data.dicom import jpeg2000, losslessjpeg

PYDICOM_ERRORS = (ValueError, LookupError, struct.error)
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=12)


@given(st.data(), st.integers(2, 16))
def test_any_image_survives_jpeg_lossless(data, precision):
    image = data.draw(arrays(np.uint16, SHAPES, elements=st.integers(0, 2**precision - 1)))
    scan = losslessjpeg.parse(losslessjpeg.encode(image, precision=precision))
    assert (image.shape, precision, 1) == (scan.shape, scan.precision, scan.predictor)
    np.testing.assert_array_equal(image, losslessjpeg.decode(scan))


@pytest.mark.parametrize("precision", [8, 10, 12, 16])
def test_another_decoder_finds_the_same_values(precision):
    # Every difference that there is, those of 16 bits included.
    image = np.random.default_rng(0).integers(0, 2**precision, (200, 100)).astype(np.uint16)
    image[0, :3] = 0, 2 ** (precision - 1), 0
    decoded = imagecodecs.jpegsof3_decode(losslessjpeg.encode(image, precision=precision))
    np.testing.assert_array_equal(image, decoded)


@pytest.mark.parametrize("predictor", range(1, 8))
def test_every_predictor_is_decoded_as_another_decoder_does(predictor):
    image = np.random.default_rng(0).integers(0, 4096, (20, 30)).astype(np.uint16)
    stream = bytearray(losslessjpeg.encode(image, precision=12))
    stream[stream.index(b"\xff\xda") + 7] = predictor
    decoded = losslessjpeg.decode(losslessjpeg.parse(bytes(stream)))
    np.testing.assert_array_equal(imagecodecs.jpegsof3_decode(bytes(stream)), decoded)


def test_the_stream_of_another_encoder_is_decoded():
    image = np.random.default_rng(0).integers(0, 4096, (20, 30)).astype(np.uint16)
    stream = bytes(imagecodecs.ljpeg_encode(image, bitspersample=12))
    np.testing.assert_array_equal(image, losslessjpeg.decode(losslessjpeg.parse(stream)))


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(lambda table: b"", id="none"),  # which ends the process of the decoder
        pytest.param(lambda table: b"\x01" + table[1:], id="of another name"),
        pytest.param(lambda table: table[:-1], id="short"),
        pytest.param(lambda table: table[:-1] + b"\x11", id="17 bits"),
        pytest.param(lambda table: bytes([0, 3, *table[2:]]), id="too many codes"),
        pytest.param(lambda table: bytes(17), id="empty"),
    ],
)
def test_a_damaged_huffman_table_is_refused(tables):
    stream = losslessjpeg.encode(np.zeros((4, 4), np.uint16), precision=12)
    start, end = stream.index(b"\xff\xc4"), stream.index(b"\xff\xda")
    table = tables(stream[start + 4 : end])
    segment = b"\xff\xc4" + (2 + len(table)).to_bytes(2, "big") + table
    with pytest.raises(ValueError, match="Huffman"):
        losslessjpeg.parse(stream[:start] + segment + stream[end:])


def test_the_table_that_the_scan_names_is_taken():
    image = np.random.default_rng(0).integers(0, 4096, (20, 30)).astype(np.uint16)
    stream = losslessjpeg.encode(image, precision=12)
    start = stream.index(b"\xff\xc4")
    other = b"\xff\xc4\x00\x14" + b"\x01" + bytes([1, *[0] * 15]) + b"\x00"  # table 1: one code, of one bit
    scan = losslessjpeg.parse(stream[:start] + other + stream[start:])
    np.testing.assert_array_equal(image, losslessjpeg.decode(scan))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"\xff\xc3", b"\xff\xc0", id="baseline"),
        pytest.param(b"\xff\xd8", b"\x00\x00", id="no start"),
        pytest.param(b"\x01\x01\x00\x01\x00\x00", b"\x01\x01\x00\x00\x00\x00", id="no predictor"),
        pytest.param(b"\xff\xda\x00\x08", b"\xff\xda\x00\x09", id="longer scan header"),
        pytest.param(b"\xff\xd9", b"\xff\xd0\xff\xd9", id="a marker within the data"),
    ],
)
def test_a_stream_that_is_no_lossless_jpeg_is_refused(old, new):
    stream = losslessjpeg.encode(np.zeros((4, 4), np.uint16), precision=12)
    with pytest.raises(PYDICOM_ERRORS):
        losslessjpeg.parse(stream.replace(old, new))


def test_restart_markers_are_refused():
    stream = losslessjpeg.encode(np.zeros((4, 4), np.uint16), precision=12)
    start = stream.index(b"\xff\xda")
    with pytest.raises(NotImplementedError):
        losslessjpeg.parse(stream[:start] + b"\xff\xdd\x00\x04\x00\x04" + stream[start:])


@given(st.data())
def test_any_image_survives_jpeg_2000(data):
    image = data.draw(arrays(np.uint16, SHAPES, elements=st.integers(0, 4095)))
    stream = jpeg2000.encode(image, precision=12)
    codestream = jpeg2000.describe(stream)
    assert (image.shape, 12, False) == (codestream.shape, codestream.precision, codestream.signed)
    np.testing.assert_array_equal(image, jpeg2000.decode(stream, codestream, halvings=0)[0])


@pytest.mark.parametrize(
    ("kind", "precision", "offset"),
    [
        (np.uint8, 8, -1900),
        (np.uint16, 10, -1500),
        (np.uint16, 12, 0),
        (np.uint16, 16, 9000),
        (np.int16, 12, -2048),
    ],
)
def test_a_reduced_stream_keeps_its_values(kind, precision, offset):
    y, x = np.mgrid[:130, :70]
    image = (2000 + offset + 40 * np.sin(y / 20) + 40 * np.cos(x / 15)).astype(kind)
    stream = imagecodecs.jpeg2k_encode(
        image, level=0, codecformat="J2K", reversible=True, bitspersample=precision
    )
    reduced, halvings = jpeg2000.decode(stream, jpeg2000.describe(stream), halvings=1)
    assert halvings == 1
    assert np.abs(image[::2, ::2].astype(int) - reduced).mean() < 1


@pytest.mark.parametrize("shape", [(256, 256), (257, 259), (260, 261), (263, 258)])
@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_any_side_can_be_halved(shape, halvings):
    stream = jpeg2000.encode(np.zeros(shape, np.uint16), precision=12)
    reduced, done = jpeg2000.decode(stream, jpeg2000.describe(stream), halvings=halvings)
    assert (tuple(-(-side // 2**halvings) for side in shape), halvings) == (reduced.shape, done)


def test_a_stream_is_never_halved_more_often_than_it_has_levels():
    stream = jpeg2000.encode(np.zeros((256, 256), np.uint16), precision=12)
    codestream = jpeg2000.describe(stream)
    assert codestream.levels == jpeg2000.decode(stream, codestream, halvings=30)[1]


def test_a_stream_that_promises_too_many_levels_is_decoded_with_fewer():
    image = np.full((64, 64), 7, np.uint16)
    stream = jpeg2000.encode(image, precision=12)
    codestream = replace(jpeg2000.describe(stream), levels=9)
    reduced, halvings = jpeg2000.decode(stream, codestream, halvings=9)
    assert (64 >> halvings, 64 >> halvings) == reduced.shape
    assert np.all(reduced == 7)


@pytest.mark.parametrize("stream", [b"", b"\xff\x4f", bytes(200), b"\xff\x4f\xff\x90\x00\x0a" + bytes(10)])
def test_what_is_no_jpeg_2000_is_refused(stream):
    with pytest.raises(PYDICOM_ERRORS):
        jpeg2000.describe(stream)


def test_a_jpeg_2000_stream_of_several_components_is_refused():
    stream = imagecodecs.jpeg2k_encode(np.zeros((8, 8, 3), np.uint8), level=0, codecformat="J2K")
    with pytest.raises(ValueError, match="one component"):
        jpeg2000.describe(stream)
