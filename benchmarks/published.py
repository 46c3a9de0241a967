"""Full-size mammograms in the data's transfer syntaxes, decoded and prepared in the published way."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame
from skimage.transform import resize

from redl.data.dicom import BITS_STORED, Encoding, Syntax, write_image
from redl.data.rsna.phantom_image import Tissue, draw_anatomy, draw_mammogram
from redl.data.source import Images

SHAPE, SIZE = (2776, 2082), 256  # of files in the RSNA data; the image size of the paper
REDUCE = 2  # halvings that leave both sides at twice SIZE


def write_mammograms(folder: Path, count: int) -> list[Path]:
    """Write 12-bit mammograms, each in both of the data's transfer syntaxes."""
    rng = np.random.default_rng(0)
    tissue = Tissue(texture=0.08, contrast=0.55, radius=0.03 * SHAPE[0], noise=0.01)
    paths = []
    for number in range(count):
        anatomy = draw_anatomy(rng, SHAPE, tissue, oblique=number % 2 == 1)
        pixels = draw_mammogram(rng, anatomy, tissue, lesion=True, mirrored=number % 2 == 0)
        brightness = np.round(pixels * (2**BITS_STORED - 1)).astype(np.uint16)
        for syntax in (Syntax.JPEG2000, Syntax.JPEG_LOSSLESS):
            path = folder / f"{number}-{syntax}.dcm"
            encoding = Encoding(syntax=syntax, inverted=False, sigmoid=False)
            write_image(path, brightness, encoding, patient=str(number), key=str(number))
            paths.append(path)
    return paths


def decode(path: Path) -> Images:
    """Decode only what preparation needs, using only the libraries: JPEG 2000 at a quarter of the size."""
    stream = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    if Syntax.JPEG2000 in path.name:
        with Image.open(io.BytesIO(stream)) as image:
            image.reduce = REDUCE
            image.load()
    else:
        imagecodecs.jpeg8_decode(stream)
    return Images(np.zeros((1, SIZE, SIZE), np.uint8))


def publish(path: Path) -> None:
    """Decode the whole image, scale it by its maximum, resize it in floating point and write a PNG file.

    Source: the published code of Selvan, Schoen and Dam (2023), which processes one file after another.
    """
    stream = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    whole = imagecodecs.jpeg2k_decode if Syntax.JPEG2000 in path.name else imagecodecs.jpeg8_decode
    stored = whole(stream)
    resized = resize(stored / stored.max(), (SIZE, SIZE), anti_aliasing=True)
    Image.fromarray(np.round(resized * 255).astype(np.uint8)).save(path.with_suffix(".png"))
