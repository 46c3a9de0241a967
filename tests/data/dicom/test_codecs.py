"""JPEG and JPEG 2000 streams hold exactly what was put in, whoever decodes them."""

import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from redl.data.dicom import jpeg, jpeg2000

PYDICOM_ERRORS = (ValueError, LookupError, struct.error)
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=12)


@given(st.data(), st.integers(9, 16))
def test_any_image_survives_jpeg_lossless(data, precision):
    image = data.draw(arrays(np.uint16, SHAPES, elements=st.integers(0, 2**precision - 1)))
    stream = jpeg.encode_lossless(image, precision=precision)
    frame = jpeg.describe(stream)
    assert (image.shape, precision) == (frame.shape, frame.precision)
    np.testing.assert_array_equal(image, jpeg.decode(stream, frame))


def test_a_lossless_stream_begins_as_scanners_write_it():
    stream = jpeg.encode_lossless(np.zeros((4, 4), np.uint16), precision=12)
    assert stream.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF\0")
    assert stream[stream.index(b"\xff\xda") + 7] == 1  # the predictor of selection value 1


NOISE = np.random.default_rng(0).integers(0, 2**16, (40, 60)).astype(np.uint16)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_predictor_is_decoded(predictor, bits):
    # Every difference that there is, those of 16 bits included.
    image = NOISE >> (16 - bits)
    options = {"lossless": True, "predictor": predictor, "bitspersample": bits}
    stream = bytes(imagecodecs.jpeg8_encode(image.astype(np.uint8 if bits == 8 else np.uint16), **options))
    np.testing.assert_array_equal(image, jpeg.decode(stream, jpeg.describe(stream)))


def test_the_lossless_stream_of_another_encoder_is_decoded():
    stream = bytes(imagecodecs.ljpeg_encode(NOISE >> 4, bitspersample=12))
    np.testing.assert_array_equal(NOISE >> 4, jpeg.decode(stream, jpeg.describe(stream)))


def test_jpeg_ls_is_decoded():
    stream = bytes(imagecodecs.jpegls_encode(NOISE))
    np.testing.assert_array_equal(NOISE, jpeg.decode(stream, jpeg.describe(stream)))


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(lambda table: b"", id="none"),
        pytest.param(lambda table: b"\x01" + table[1:], id="of another name"),
        pytest.param(lambda table: table[:-1], id="short"),
        pytest.param(lambda table: bytes([0, 3, *table[2:]]), id="too many codes"),
        pytest.param(lambda table: bytes(17), id="empty"),
    ],
)
def test_a_damaged_huffman_table_is_refused(tables):
    stream = jpeg.encode_lossless(NOISE, precision=16)
    start, end = stream.index(b"\xff\xc4"), stream.index(b"\xff\xda")
    table = tables(stream[start + 4 : end])
    segment = b"\xff\xc4" + (2 + len(table)).to_bytes(2, "big") + table if table else b""
    damaged = stream[:start] + segment + stream[end:]
    with pytest.raises((*PYDICOM_ERRORS, RuntimeError)):
        jpeg.decode(damaged, jpeg.describe(damaged))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"\xff\xc3", b"\xff\xc5", id="hierarchical"),
        pytest.param(b"\xff\xd8", b"\x00\x00", id="no start"),
        pytest.param(b"\xff\xda\x00\x08", b"\xff\xda\xff\xff", id="longer scan header"),
        pytest.param(b"\xff\xc3\x00\x0b\x0c", b"\xff\xc3\x00\x0b\x21", id="33 bits"),
    ],
)
def test_a_stream_that_is_no_grey_jpeg_is_refused(old, new):
    stream = jpeg.encode_lossless(np.zeros((4, 4), np.uint16), precision=12)
    assert old in stream
    with pytest.raises(PYDICOM_ERRORS):
        jpeg.describe(stream.replace(old, new))


def test_a_jpeg_of_colours_is_refused():
    stream = bytes(imagecodecs.jpeg8_encode(np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(ValueError, match="one component"):
        jpeg.describe(stream)


# JPEG 2000


@given(st.data())
def test_any_image_survives_jpeg_2000(data):
    image = data.draw(arrays(np.uint16, SHAPES, elements=st.integers(0, 4095)))
    stream = jpeg2000.unbox(jpeg2000.encode(image, precision=12))
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
    stream = jpeg2000.unbox(jpeg2000.encode(np.zeros(shape, np.uint16), precision=12))
    reduced, done = jpeg2000.decode(stream, jpeg2000.describe(stream), halvings=halvings)
    assert (tuple(-(-side // 2**halvings) for side in shape), halvings) == (reduced.shape, done)


def test_a_stream_is_never_halved_more_often_than_it_has_levels():
    stream = jpeg2000.unbox(jpeg2000.encode(np.zeros((256, 256), np.uint16), precision=12))
    codestream = jpeg2000.describe(stream)
    assert codestream.levels == jpeg2000.decode(stream, codestream, halvings=30)[1]


def test_a_stream_that_promises_too_many_levels_is_decoded_with_fewer():
    image = np.full((64, 64), 7, np.uint16)
    stream = jpeg2000.unbox(jpeg2000.encode(image, precision=12))
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


def box(kind, content, *, long=False, last=False):
    """Make a box of a JP2 file, its length written in one of the three ways that there are."""
    if last:
        return bytes(4) + kind + content
    if long:
        return (1).to_bytes(4) + kind + (16 + len(content)).to_bytes(8) + content
    return (8 + len(content)).to_bytes(4) + kind + content


STREAM = bytes(imagecodecs.jpeg2k_encode(NOISE, level=0, codecformat="J2K", reversible=True))
SIGNATURE, KIND = box(b"jP  ", b"\r\n\x87\n"), box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
HEADER = box(b"jp2h", box(b"ihdr", bytes(14)))


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([box(b"jp2c", STREAM)], id="as usual"),
        pytest.param([box(b"jp2c", STREAM, last=True)], id="to the end"),
        pytest.param([box(b"jp2c", STREAM, long=True)], id="length of eight bytes"),
        pytest.param([box(b"xml ", b"<a/>", long=True), box(b"jp2c", STREAM)], id="a long box before"),
        pytest.param(
            [box(b"uuid", STREAM[:99]), box(b"jp2c", STREAM), box(b"xml ", b"")], id="others around"
        ),
        pytest.param([box(b"jp2c", STREAM), box(b"jp2c", STREAM[:200])], id="the first of two"),
    ],
)
def test_the_codestream_is_taken_out_of_its_boxes(boxes):
    assert STREAM == jpeg2000.unbox(b"".join([SIGNATURE, KIND, HEADER, *boxes]))


def test_a_bare_codestream_is_taken_as_it_is():
    assert jpeg2000.unbox(STREAM) is STREAM


@pytest.mark.parametrize(
    "file",
    [
        b"",
        SIGNATURE + KIND,
        SIGNATURE + (4).to_bytes(4) + b"free" + box(b"jp2c", STREAM),  # shorter than its own head
        SIGNATURE + (2**31).to_bytes(4) + b"free" + box(b"jp2c", STREAM),
    ],
)
def test_boxes_without_a_codestream_are_refused(file):
    with pytest.raises(ValueError, match="no codestream"):
        jpeg2000.unbox(file)
