"""Figures of saved runs: the paper's and better ones, as files with captions in words."""

from redl.results.report.figures.drawing import Drawing, DrawnFigure, LeftOut
from redl.results.report.figures.gallery import (
    Gallery,
    draw_figures,
    gallery,
    printed_gallery,
    save_gallery,
)
from redl.results.report.figures.samples import Description

__all__ = [
    "Description",
    "Drawing",
    "DrawnFigure",
    "Gallery",
    "LeftOut",
    "draw_figures",
    "gallery",
    "printed_gallery",
    "save_gallery",
]
