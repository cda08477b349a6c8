"""PDF of our own: pages as plain data that any process may draw, written as one file (0083)."""

from pipeline.render.pdf.document import document
from pipeline.render.pdf.leaf import PAGE_URL, Leaf
from pipeline.render.pdf.renderer import leaf_of

__all__ = ["PAGE_URL", "Leaf", "document", "leaf_of"]
