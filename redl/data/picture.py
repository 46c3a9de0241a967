"""Images that are no DICOM files: PNG, JPEG, WebP and TIFF, decoded by Pillow, told by what they hold."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from redl.data.greyscale import own_bits, range_of
from redl.data.source import Images
from redl.errors import DataError

# By which a file is known.
_MAGIC = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "WEBP": (b"RIFF",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
_MAX_PIXELS = 2**26  # more is a damaged header, or meant to fill the memory
_GREY = 10  # levels by which colours may differ in a grey image: JPEG rounds each channel on its own
_WHITE_IS_ZERO, _PHOTOMETRIC = 0, 262  # TIFF 6.0, section 4

# Of Pillow and its decoders, over damaged files.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    AttributeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def is_picture(head: bytes) -> bool:
    """Return whether a file that begins with `head`, 12 bytes at least, is of a kind that is read here."""
    return _kind(head) is not None


def read_picture(path: Path) -> Images[np.float32]:
    """Read a grey image, shape (H, W), 0 black to 1 white, with remarks on how.

    8 bits are shown by their range, 16 by that of the bits that the image uses. Grey that is stored as
    colours or behind an opaque mask is read; what is transparent is black. A photograph is turned as it says
    that it was taken. Raise DataError, without a name, for colours, several frames and damage.
    """
    with path.open("rb") as file:
        kind = _kind(file.read(12))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[kind] if kind else []) as image:
                return _read(image)
    except _DAMAGE:
        pass
    raise DataError("it is damaged or cut short; export it again")


def _kind(head: bytes) -> str | None:
    for kind, beginnings in _MAGIC.items():
        if head.startswith(beginnings) and (kind != "WEBP" or head[8:12] == b"WEBP"):
            return kind
    return None


def _read(image: Image.Image) -> Images[np.float32]:
    frames = getattr(image, "n_frames", 1)
    if frames != 1 and image.format != "MPO":  # of a camera: the same picture again, smaller
        raise DataError(f"it has {frames} frames; use one file for each image")
    if image.width * image.height > _MAX_PIXELS:
        raise DataError(f"it has more than {_MAX_PIXELS} pixels; make it smaller")
    if image.mode == "F":
        raise DataError("its pixels are floating-point numbers; export them as integers of 8 or 16 bits")
    white_is_zero = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        return _of_integers(np.asarray(upright), white_is_zero=white_is_zero)
    if upright.mode in {"1", "L"}:
        return Images(np.asarray(upright.convert("L"), np.float32) / np.float32(255))
    return _of_colours(np.asarray(upright.convert("RGBA")))


def _of_integers(stored: NDArray[np.integer], *, white_is_zero: bool) -> Images[np.float32]:
    signed = bool(stored.min() < 0)
    bits = own_bits(stored, signed=signed)
    low, high = range_of(bits, signed=signed)
    shown = ((stored.astype(np.float64) - low) / (high - low)).astype(np.float32)
    # Pillow turns them around up to 8 bits.
    return Images(1 - shown if white_is_zero else shown, (f"shown by the range of its own {bits} bits",))


def _of_colours(pixels: NDArray[np.uint8]) -> Images[np.float32]:
    """Return the grey that all channels of (H, W, 4) agree on."""
    colours, opaque = pixels[..., :3], pixels[..., 3]
    seen = opaque > 0
    if seen.any() and np.ptp(colours[seen].astype(np.int16), axis=1).max() > _GREY:
        raise DataError("it is a colour image; convert it to grey, e.g. with Pillow's convert('L')")
    grey = colours.mean(axis=2, dtype=np.float32) / np.float32(255)
    if opaque.min() == 255:
        return Images(grey)
    return Images(grey * (opaque / np.float32(255)), ("transparent pixels are shown black",))
