"""Every encoding that others write reads as pydicom reads it, whole and reduced; damaged, it is refused."""

import struct

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from redl.data.dicom import read_image, read_with_remarks
from redl.data.dicom.damage import quiet
from redl.errors import DataError
from tests.helpers.dicomfiles import draw, refusal
from tests.helpers.otherencoders import write_dicom

SHAPE = 214, 131
MAMMOGRAM = draw(*SHAPE)  # of 12 bits


def of_bits(bits):
    kind = np.uint8 if bits == 8 else np.uint16
    return np.round(MAMMOGRAM * ((2**bits - 1) / 4095)).astype(kind)


def jp2(image, bits, codec="JP2"):
    options = {"level": 0, "codecformat": codec, "reversible": True, "bitspersample": bits}
    return bytes(imagecodecs.jpeg2k_encode(image, **options))


def shown(path):
    """Return what pydicom makes of a file, by its first window or else the range of its stored bits."""
    header = pydicom.dcmread(path)
    with quiet():
        stored = header.pixel_array.astype(np.float64)
    top = 2**header.BitsStored - 1
    image = stored / top
    return 1 - image if header.PhotometricInterpretation == "MONOCHROME1" else image


@pytest.fixture(params=["MONOCHROME1", "MONOCHROME2"])
def polarity(request):
    return {"PhotometricInterpretation": request.param}


@pytest.mark.parametrize("codec", ["JP2", "J2K"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_jpeg_2000_reads_as_pydicom_reads_it(tmp_path, bits, codec, polarity):
    stream = jp2(of_bits(bits), bits, codec)
    path = write_dicom(tmp_path / "1", of_bits(bits), stream, JPEG2000Lossless, BitsStored=bits, **polarity)
    np.testing.assert_allclose(shown(path), read_image(path), atol=1e-6)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_reduced_jpeg_2000_in_boxes_is_what_openjpeg_reduces_the_bare_codestream_to(tmp_path, bits, polarity):
    window = {"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits, "BitsStored": bits}
    boxed, bare = (
        write_dicom(
            tmp_path / codec, of_bits(bits), jp2(of_bits(bits), bits, codec), JPEG2000, **window, **polarity
        )
        for codec in ("JP2", "J2K")
    )
    reduced = read_image(boxed, min_side=60)
    assert reduced.shape == (107, 66)
    np.testing.assert_allclose(read_image(bare, min_side=60), reduced, atol=1e-6)
    # A reduced pixel lies on the first of those it stands for.
    assert np.abs(shown(boxed)[::2, ::2] - reduced).mean() < 0.02


STREAMS = {
    "lossless SV1": (JPEGLosslessSV1, {"lossless": True, "predictor": 1}),
    "lossless 2": (JPEGLossless, {"lossless": True, "predictor": 2}),
    "lossless 6": (JPEGLossless, {"lossless": True, "predictor": 6}),
    "lossless 7": (JPEGLossless, {"lossless": True, "predictor": 7}),
}


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(("syntax", "options"), STREAMS.values(), ids=STREAMS)
def test_lossless_jpeg_reads_as_it_was_written(tmp_path, syntax, options, bits, polarity):
    stream = bytes(imagecodecs.jpeg8_encode(of_bits(bits), **options, bitspersample=bits))
    path = write_dicom(tmp_path / "1", of_bits(bits), stream, syntax, BitsStored=bits, **polarity)
    expected = of_bits(bits) / (2**bits - 1)
    inverted = polarity["PhotometricInterpretation"] == "MONOCHROME1"
    np.testing.assert_allclose(1 - expected if inverted else expected, read_image(path), atol=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_jpeg_ls_reads_as_it_was_written(tmp_path, bits):
    stream = bytes(imagecodecs.jpegls_encode(of_bits(bits)))
    path = write_dicom(tmp_path / "1", of_bits(bits), stream, JPEGLSLossless, BitsStored=bits)
    np.testing.assert_allclose(of_bits(bits) / (2**bits - 1), read_image(path), atol=1e-6)


@pytest.mark.parametrize(("syntax", "bits"), [(JPEGBaseline8Bit, 8), (JPEGExtended12Bit, 12)])
def test_lossy_jpeg_reads_to_within_its_loss(tmp_path, syntax, bits):
    stream = bytes(imagecodecs.jpeg8_encode(of_bits(bits), level=98, bitspersample=bits))
    path = write_dicom(tmp_path / "1", of_bits(bits), stream, syntax, BitsStored=bits)
    assert np.abs(of_bits(bits) / (2**bits - 1) - read_image(path)).mean() < 0.01


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2K])
@pytest.mark.parametrize("bits", [8, 16])
def test_high_throughput_jpeg_2000_is_read_whole_and_reduced(tmp_path, syntax, bits):
    stream = bytes(imagecodecs.htj2k_encode(of_bits(bits), reversible=True))
    window = {"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits}
    path = write_dicom(tmp_path / "1", of_bits(bits), stream, syntax, **window)
    np.testing.assert_allclose(of_bits(bits) / (2**bits - 1), read_image(path), atol=1e-5)
    assert np.abs(of_bits(bits)[::2, ::2] / (2**bits - 1) - read_image(path, min_side=60)).mean() < 0.02


@pytest.mark.parametrize("predictor", range(1, 8))
def test_differences_of_sixteen_bits_are_read(tmp_path, predictor):
    noise = np.random.default_rng(0).integers(0, 2**16, SHAPE).astype(np.uint16)
    options = {"lossless": True, "predictor": predictor, "bitspersample": 16}
    path = write_dicom(tmp_path / "1", noise, bytes(imagecodecs.jpeg8_encode(noise, **options)), JPEGLossless)
    np.testing.assert_allclose(noise / 65535, read_image(path), atol=1e-6)


@pytest.mark.parametrize("codec", ["JP2", "J2K", "JPEG"])
@pytest.mark.parametrize("padding", [b"\xff", b"\0", b"\xff\xff\xff", bytes(100), b"\0\xff\0"])
def test_what_follows_the_end_of_a_stream_is_padding(tmp_path, codec, padding):
    image = of_bits(12)
    if codec == "JPEG":
        stream, syntax = bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12)), JPEGLossless
    else:
        stream, syntax = jp2(image, 12, codec), JPEG2000
    path = write_dicom(tmp_path / "1", image, stream + padding, syntax, BitsStored=12)
    np.testing.assert_allclose(image / 4095, read_image(path), atol=1e-6)


@pytest.mark.parametrize("codec", ["JP2", "J2K"])
def test_a_stream_in_several_fragments_is_put_together(tmp_path, codec):
    path = write_dicom(tmp_path / "1", of_bits(12), jp2(of_bits(12), 12, codec), JPEG2000, BitsStored=12)
    header = pydicom.dcmread(path)
    stream = get_frame(header.PixelData, 0, number_of_frames=1)
    header.PixelData = encapsulate([stream], fragments_per_frame=5)
    header.save_as(path)
    np.testing.assert_allclose(of_bits(12) / 4095, read_image(path), atol=1e-6)


def test_what_a_stream_is_wins_over_the_syntax_that_its_file_says(tmp_path):
    stream = jp2(of_bits(12), 12, "JP2")
    path = write_dicom(tmp_path / "1", of_bits(12), stream, JPEGLosslessSV1, BitsStored=12)
    np.testing.assert_allclose(of_bits(12) / 4095, read_image(path), atol=1e-6)


@pytest.mark.parametrize("excess", [2, 128, 500])
def test_a_few_bytes_too_many_are_read_and_said(tmp_path, excess):
    image = of_bits(12)
    path = write_dicom(tmp_path / "1", image, None, ExplicitVRLittleEndian, BitsStored=12)
    header = pydicom.dcmread(path)
    header.PixelData += bytes(excess)
    header.save_as(path)
    reading = read_with_remarks(path)
    np.testing.assert_allclose(image / 4095, reading.images, atol=1e-6)
    assert reading.remarks == ("its pixel data are longer than its header says",)


def damaged(rng, stream):
    """Damage a stream in one of the ways of disks, networks and software."""
    content, start = bytearray(stream), int(rng.integers(len(stream)))
    match rng.integers(5):
        case 0:
            return bytes(content[:start])
        case 1:
            content[start] ^= 1 << rng.integers(8)
        case 2:
            content[start : start + 40] = rng.bytes(40)
        case 3:
            del content[start : start + int(rng.integers(1, 40))]
        case _:
            place = int(rng.integers(min(300, len(content))))
            content[place : place + 4] = struct.pack(">I", int(rng.integers(2**32)))
    return bytes(content)


CODECS = {
    "JP2": lambda image: jp2(image, 8),
    "J2K": lambda image: jp2(image, 8, "J2K"),
    "HTJ2K": lambda image: imagecodecs.htj2k_encode(image, reversible=True),
    "JPEG": imagecodecs.jpeg8_encode,
    "lossless": lambda image: imagecodecs.jpeg8_encode(image, lossless=True),
    "JPEG-LS": imagecodecs.jpegls_encode,
}


def read_damaged(folder, codec, files):
    """Read damaged files and return how many are read all the same."""
    image, rng, read = of_bits(8)[:60, :50].copy(), np.random.default_rng(1), 0
    stream = bytes(CODECS[codec](image))
    for number in range(files):
        path = write_dicom(folder / "1.dcm", image, damaged(rng, stream), JPEG2000)
        reading = reading_or_refusal(path, min_side=[None, 20][number % 2])
        if isinstance(reading, DataError):
            assert str(reading).startswith("1.dcm: ")
        else:
            read += 1
            assert 0 <= reading.min() <= reading.max() <= 1
    return read


def reading_or_refusal(path, **options):
    try:
        return read_image(path, **options)
    except DataError as refused:
        return refused


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_stream_is_read_or_refused(tmp_path, codec):
    assert 0 < read_damaged(tmp_path, codec, 40) < 40


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_two_thousand_damaged_streams_are_read_or_refused(tmp_path, codec):
    assert 0 < read_damaged(tmp_path, codec, 2000) < 2000


def test_several_frames_are_refused_with_their_number(tmp_path):
    stack = np.tile(of_bits(8), (3, 1))
    path = write_dicom(
        tmp_path / "1.dcm", stack, None, ExplicitVRLittleEndian, NumberOfFrames=3, Rows=SHAPE[0]
    )
    assert refusal(path) == "1.dcm: a multi-frame image, of 3 frames; use one file for each image"
