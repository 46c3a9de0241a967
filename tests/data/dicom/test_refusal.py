"""A file that cannot be read as a grey image is refused in one line: its name, the remedy, no patient."""

import struct
import traceback
import warnings
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, get_frame

from redl.data.dicom import Syntax, read_image, reading, write_image
from redl.errors import DataError
from tests.helpers.dicomfiles import PATIENT, edit, encoding, refusal, sample, write


@pytest.fixture
def brightness():
    return np.random.default_rng(0).integers(0, 4096, (48, 40)).astype(np.uint16)


@pytest.fixture
def file(tmp_path):
    """A good file, in a folder and with a header that name the patient."""
    folder = tmp_path / PATIENT
    folder.mkdir()
    path = folder / "1023.dcm"
    write_image(path, np.full((48, 40), 1000, np.uint16), encoding(), patient=PATIENT, key="1")
    edit(path, PatientName=PATIENT)
    return path


def test_a_file_that_is_no_dicom_is_refused(file):
    file.write_text("<html>quota exceeded</html>")
    assert refusal(file) == "1023.dcm: not a DICOM file; download it again"


def test_an_empty_file_is_refused(file):
    file.write_bytes(b"")
    assert refusal(file) == "1023.dcm: not a DICOM file; download it again"


def test_a_missing_file_is_refused(file):
    file.unlink()
    assert refusal(file) == "1023.dcm: its file is not there; download it again"


def test_a_file_without_pixels_is_refused(file):
    edit(file, without=("PixelData",))
    assert refusal(file) == "1023.dcm: no pixel data; leave the file out"


def test_a_compressed_file_cut_short_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    path.write_bytes(path.read_bytes()[:-500])
    assert refusal(path).startswith("1.dcm: ")


def test_an_uncompressed_file_cut_short_is_refused(file):
    file.write_bytes(file.read_bytes()[:-500])
    assert refusal(file) == "1023.dcm: pixel data are cut short; download it again"


def test_a_damaged_codestream_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\x4f\xff\x51")  # J2K's start of codestream and size markers
    data[start + 4 : start + 40] = bytes(36)
    path.write_bytes(data)
    assert refusal(path) == "1.dcm: its pixel data are damaged; download it again"


def test_several_frames_are_refused(file):
    edit(file, NumberOfFrames=2, PixelData=bytes(2 * 2 * 48 * 40))
    assert refusal(file) == "1023.dcm: a multi-frame image, of 2 frames; use one file for each image"


def test_a_colour_image_is_refused():
    expected = "SC_rgb_rle.dcm: not a grey image; only MONOCHROME1 and MONOCHROME2 are read"
    assert refusal(sample("SC_rgb_rle.dcm")) == expected


@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
def test_a_lookup_table_without_entries_is_refused(file, sequence):
    edit(file, without=("WindowCenter",), **{sequence: [pydicom.Dataset()]})
    assert refusal(file) == "1023.dcm: its header is damaged or incomplete; download it again"


def test_a_raw_detector_image_without_a_window_is_refused(file):
    edit(file, without=("WindowCenter",), PresentationIntentType="FOR PROCESSING")
    expected = "1023.dcm: a raw detector image (FOR PROCESSING) without a window; export it FOR PRESENTATION"
    assert expected == refusal(file)


def test_a_raw_detector_image_with_a_window_is_read(file):
    assert read_image(edit(file, PresentationIntentType="FOR PROCESSING")).shape == (48, 40)


def test_a_window_wins_over_a_lookup_table(file):
    assert read_image(edit(file, VOILUTSequence=[pydicom.Dataset()])).shape == (48, 40)


def test_a_rescaling_to_one_value_is_refused(file):
    edit(file, RescaleSlope=0)
    assert refusal(file) == "1023.dcm: its window or rescaling gives no finite values; leave the image out"


@pytest.mark.parametrize("syntax", sorted(set(Syntax) - {Syntax.UNCOMPRESSED}))
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_compressed_pixels_cut_short_are_refused(tmp_path, brightness, syntax, kept):
    path = write(tmp_path / "1.dcm", brightness, syntax)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert refusal(path).startswith("1.dcm: ")


@pytest.mark.parametrize("syntax", [Syntax.JPEG_LOSSLESS, Syntax.JPEG2000])
def test_a_stream_cut_short_and_wrapped_as_if_whole_is_refused(tmp_path, brightness, syntax):
    path = write(tmp_path / "1.dcm", brightness, syntax)
    edit(path, PixelData=encapsulate([stream(path)[:1500]]))
    assert refusal(path) == "1.dcm: pixel data are cut short; download it again"


def test_zeros_after_a_stream_are_padding(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG_LOSSLESS)
    before = read_image(path)
    edit(path, PixelData=encapsulate([stream(path) + bytes(100)]))
    np.testing.assert_array_equal(before, read_image(path))


def test_a_stream_in_several_fragments_is_read(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    before = read_image(path)
    edit(path, PixelData=encapsulate([stream(path)], fragments_per_frame=3))
    np.testing.assert_array_equal(before, read_image(path))


def stream(path):
    return get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize("side", ["Rows", "Columns"])
@pytest.mark.parametrize("change", [-30, -2, 2, 500])
@pytest.mark.parametrize("syntax", Syntax)
def test_a_shape_that_is_not_the_pixels_is_refused(tmp_path, brightness, syntax, side, change):
    path = write(tmp_path / "1.dcm", brightness, syntax)
    rows, columns = brightness.shape
    whole = {"Rows": rows, "Columns": columns}
    header = pydicom.dcmread(path)
    setattr(header, side, whole[side] + change)
    header.save_as(path)
    assert refusal(path).endswith("download it again")


@pytest.mark.parametrize("syntax", [Syntax.RLE, Syntax.JPEG_LOSSLESS, Syntax.JPEG2000])
def test_fewer_bits_than_the_pixels_have_are_refused(tmp_path, brightness, syntax):
    path = write(tmp_path / "1.dcm", brightness, syntax)
    edit(path, BitsAllocated=8, BitsStored=8, HighBit=7)
    assert refusal(path) == "1.dcm: its pixel data do not fit its header; download it again"


@pytest.mark.parametrize("bits", [{"BitsAllocated": 24}, {"BitsStored": 17}, {"BitsStored": 0}])
def test_bits_that_no_grey_image_has_are_refused(file, bits):
    expected = (
        "1023.dcm: its number of bits cannot be that of a grey image; "
        "only 1, 8, 16 and 32 bits a pixel are read"
    )
    assert expected == refusal(edit(file, **bits))


@pytest.mark.parametrize("shape", [(0, 40), (48, 0), (65535, 65535)])
def test_a_size_that_no_image_has_is_refused_before_anything_is_decoded(file, shape):
    edit(file, Rows=shape[0], Columns=shape[1])
    expected = "1023.dcm: its number of rows or columns cannot be that of an image; download it again"
    assert expected == refusal(file)


def test_several_compressed_frames_are_refused_whatever_their_number_says(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    edit(path, PixelData=encapsulate([stream(path), stream(path)]))
    assert refusal(path) == "1.dcm: a multi-frame image, of 2 frames; use one file for each image"


def test_a_deflated_file_is_inflated_to_no_more_than_a_mammogram(monkeypatch, tmp_path, brightness):
    monkeypatch.setattr(reading, "MAX_PIXELS", 2**16)
    path = write(tmp_path / "1.dcm", brightness, Syntax.DEFLATED)
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = compressor.compress(bytes(2**20)) + compressor.flush()
    path.write_bytes(deflated_from(path) + bomb)
    assert refusal(path) == "1.dcm: its deflated content is damaged or cut short; download it again"


def deflated_from(path):
    """Return what stands before the deflated content."""
    content = path.read_bytes()
    return content[: 144 + struct.unpack_from("<I", content, 140)[0]]


def test_a_damaged_deflated_file_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.DEFLATED)
    path.write_bytes(deflated_from(path) + b"\xff" * 1000)
    assert refusal(path) == "1.dcm: its deflated content is damaged or cut short; download it again"


def test_a_damaged_rle_stream_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.RLE)
    edit(path, PixelData=encapsulate([stream(path)[:64] + bytes(len(stream(path)) - 64)]))
    assert refusal(path).startswith("1.dcm: ")


def test_a_syntax_that_no_decoder_reads_is_named(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
    header.PixelData = encapsulate([b"\0\0\1\xb3" + bytes(100)])  # as such a video begins
    header.save_as(path)
    remedy = "is not read; convert it to explicit little endian"
    assert refusal(path) == f"1.dcm: its transfer syntax (MPEG2 Main Profile / Main Level) {remedy}"


def test_a_syntax_that_the_standard_does_not_name_is_not_quoted(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Syntax.JPEG2000)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.77"))
    expected = "1.dcm: its transfer syntax (unknown) is not read; convert it to explicit little endian"
    assert expected == refusal(path)


def test_a_missing_transfer_syntax_is_said(file):
    header = pydicom.dcmread(file)
    del header.file_meta.TransferSyntaxUID
    header.save_as(file, enforce_file_format=False, implicit_vr=False, little_endian=True)
    assert refusal(file) == "1023.dcm: it does not say its transfer syntax; export it again"


@pytest.mark.parametrize("tag", ["Rows", "BitsStored", "PixelRepresentation", "PhotometricInterpretation"])
def test_what_the_header_lacks_is_named(file, tag):
    edit(file, without=(tag,))
    assert f"1023.dcm: its header lacks {tag}; export it again" == refusal(file)


@pytest.mark.parametrize("width", [0, -1, "nan"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_without_width_is_refused(file, width, function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edit(file, WindowWidth=width, VOILUTFunction=function)
    expected = "1023.dcm: its window or rescaling gives no finite values; leave the image out"
    assert expected == refusal(file)


@pytest.mark.parametrize(
    "values", [{"RescaleSlope": "1e300"}, {"WindowCenter": "1e300"}, {"RescaleIntercept": "inf"}]
)
def test_a_window_out_of_all_proportion_is_refused(file, values):
    expected = "1023.dcm: its window or rescaling gives no finite values; leave the image out"
    assert expected == refusal(edit(file, **values))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MR_truncated.dcm", "pixel data are cut short; download it again"),
        ("no_meta.dcm", "not a DICOM file; download it again"),
        ("badVR.dcm", "its header is damaged or incomplete; download it again"),
        ("meta_missing_tsyntax.dcm", "its header lacks PhotometricInterpretation; export it again"),
        ("rtdose.dcm", "a multi-frame image, of 15 frames; use one file for each image"),
        ("rtplan.dcm", "no pixel data; leave the file out"),
    ],
)
def test_a_strange_file_of_pydicoms_is_refused(name, reason):
    assert f"{name}: {reason}" == refusal(sample(name))


DAMAGES = {
    "no rows": {"without": ("Rows",)},
    "rows 0": {"Rows": 0},
    "too few rows": {"Rows": 1, "NumberOfFrames": 48},
    "no bits": {"without": ("BitsStored",)},
    "no bits allocated": {"without": ("BitsAllocated",)},
    "no pixel representation": {"without": ("PixelRepresentation",)},
    "no photometric interpretation": {"without": ("PhotometricInterpretation",)},
    "empty pixels": {"PixelData": b""},
    "odd pixels": {"PixelData": bytes(101)},
    "window width 0": {"WindowWidth": 0},
    "unknown window": {"VOILUTFunction": PATIENT},
    "photometric interpretation": {"PhotometricInterpretation": PATIENT},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_refusal_names_the_patient(file, damage):
    edit(file, **damage)
    with pytest.raises(DataError) as caught:
        read_image(file)
    said = traceback.format_exception_only(caught.value)
    assert [f"redl.errors.DataError: {caught.value}\n"] == said
    assert str(caught.value).startswith("1023.dcm: ")
    assert caught.value.__context__ is None  # whose message may hold what this one must not
