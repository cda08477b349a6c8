"""Every product, found by itself, beside its golden image in docs/images/maps.

After a change that is meant: `make baselines`, look at the pictures, commit them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gallery import county_data
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, ImageFilter

from pipeline import render
from pipeline.cli.commands.docs import COMMANDS
from pipeline.render import discover, style
from pipeline.render.catalogue import documents

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images" / "maps"
WIDTH_PX, FINER, COLOURS = 660, 3, 200
CLOSE, STRAY = 40, 2
"""Grey levels (of 255) that a blurred pixel may differ by, and pixels that may differ by more."""


def picture(figure):
    """The page as a small picture of few colours, as it is kept; type is set finely first."""
    figure.set_dpi(FINER * WIDTH_PX / figure.get_figwidth())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").reduce(FINER)
    return drawn.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def differing(one, other):
    """How many pixels differ once a pixel's neighbours are averaged: 0 for one stray pixel."""
    blurred = [
        np.asarray(image.convert("L").filter(ImageFilter.BoxBlur(1)), dtype=int)
        for image in (one, other)
    ]
    if blurred[0].shape != blurred[1].shape:
        return max(blurred[0].size, blurred[1].size)
    return int((np.abs(blurred[0] - blurred[1]) > CLOSE).sum())


def everything():
    """The plain county, with a few findings of a quality check on its tasks' plots."""
    data = county_data("plain")
    found = data.tasks.iloc[:6][["bsm", "town_code", "geometry"]].reset_index(drop=True)
    spots = found.geometry.centroid
    return replace(
        data,
        findings=found.assign(
            rule=["G01", "G01", "A02", "A02", "A02", "T01"], text="图斑重叠",
            severity=["错误", "警告"] * 3, found="与相邻图斑重叠 12.3 ㎡", x=spots.x, y=spots.y,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("spec", discover(), ids=lambda spec: spec.name)
def test_every_product_looks_as_its_golden_image(spec, tmp_path):
    data = everything()
    with style.context():
        if spec.book is None:
            figure = next(iter(spec.draw(data)))
        else:  # of a book the first page that is about a place
            figure = list(spec.book.draw(data, spec.book.parts(data)[0]))[-1]
        drawn = picture(figure)
    golden = IMAGES / f"{spec.name}.png"
    if os.environ.get("RENEW"):
        drawn.save(golden, optimize=True)
    assert golden.is_file(), f"还没有 {golden.name}：make baselines，看过后提交"
    with Image.open(golden) as kept:
        count = differing(kept, drawn)
    if count > STRAY:
        drawn.save(tmp_path / golden.name)
    assert count <= STRAY, f"{count} 个像素不同，新图在 {tmp_path}；有意的改动：make baselines"


def test_a_moved_label_is_seen_and_a_stray_pixel_is_not():
    with Image.open(next(iter(sorted(IMAGES.glob("*_gap.png"))))) as image:
        page = image.convert("RGB")
    stray = page.copy()
    stray.putpixel((300, 200), (90, 90, 90))
    assert differing(page, stray) == 0
    moved, label = page.copy(), (240, 20, 420, 40)  # the title, by 0.6 mm
    moved.paste(page.crop(label), (241, 20))
    assert differing(page, moved) > 20 * STRAY


def test_there_is_a_golden_image_of_every_product_and_none_of_another():
    assert {file.stem for file in IMAGES.glob("*.png")} == {spec.name for spec in discover()}
    assert sum(file.stat().st_size for file in IMAGES.glob("*.png")) < 600_000


def test_docs_of_the_maps_agree_with_the_modules():
    for name, text in documents().items():
        kept = (DOCS.parent / name).read_text("utf-8")
        assert kept == text, f"{name} 与图件模块不符，请运行 gengbao docs"
    assert COMMANDS[0].name == "docs"
    assert all(spec.answers in text for spec in render.discover())
