"""One grey image in a DICOM file: the only package that knows pydicom and the decoders of its pixels.

Real files differ by machine: compressed or not, light or dark background (MONOCHROME2 or 1), linear or
sigmoid windows. Read as published, each scaled by its own maximum and MONOCHROME1 left inverted, an image
would reveal its machine before its content; read here, every image is what a radiologist's screen shows.

Decoding takes nearly all of the time, so the rest hides behind it: an image is reduced before it is windowed,
and a JPEG 2000 file decoded no finer than asked for.
"""

from redl.data.dicom.reading import read_image, read_with_remarks
from redl.data.dicom.writing import BITS_STORED, Encoding, Syntax, write_image

__all__ = ["BITS_STORED", "Encoding", "Syntax", "read_image", "read_with_remarks", "write_image"]
