"""Lanes: strips along a valley on which places are given by official area."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj

from pipeline.sample.valleys import FIELD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.valleys import Valley

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CRS = "EPSG:4524"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A strip between two polylines; places on it are given by official area from its start.

    inner, outer: (k, 2); cum: (k,) official area up to each knot (m²); town: (k−1).
    """

    valley: int
    side: int
    row: int
    kind: str
    inner: Floats
    outer: Floats
    cum: Floats
    town: Ints
    first: int

    def locate(self, area: Floats) -> tuple[Ints, Floats]:
        """Return the stretch and the share of it where this much area lies behind."""
        i = np.clip(np.searchsorted(self.cum, area, side="right") - 1, 0, len(self.cum) - 2)
        p, q = self.inner, self.outer
        u, v, w = p[i + 1] - p[i], q[i + 1] - q[i], q[i] - p[i]
        b = _cross(u, w) + _cross(v, w)
        a = _cross(u, v)
        share = (area - self.cum[i]) / (self.cum[i + 1] - self.cum[i])
        c = share * (a + b)
        root = np.sqrt(np.maximum(b * b + 4 * a * c, 0.0))
        t = 2 * c / np.where(b + np.sign(b) * root == 0, 1.0, b + np.sign(b) * root)
        return i, np.clip(t, 0.0, 1.0)

    def point(self, area: Floats, depth: Floats) -> Floats:
        """Return the (n, 2) points at these areas and shares of the depth (0 inner, 1 outer)."""
        i, t = self.locate(area)
        p = self.inner[i] + t[:, None] * (self.inner[i + 1] - self.inner[i])
        q = self.outer[i] + t[:, None] * (self.outer[i + 1] - self.outer[i])
        return np.asarray(p + depth[:, None] * (q - p))

    def area_at(self, s_m: float, step_m: float) -> float:
        """Return the area behind the cross-section at s (straight within a stretch)."""
        i = int(np.clip(s_m // step_m, 0, len(self.cum) - 2))
        t = float(np.clip(s_m / step_m - i, 0, 1))
        p, q = self.inner, self.outer
        u, v, w = p[i + 1] - p[i], q[i + 1] - q[i], q[i] - p[i]
        b = float(_cross(u, w) + _cross(v, w))
        a = float(_cross(u, v))
        return float(self.cum[i] + (self.cum[i + 1] - self.cum[i]) * (t * b + t * t * a) / (a + b))

    def line(self, start: float, end: float, depth: float) -> Floats:
        """Return the polyline at a share of the depth between two places."""
        ends, _ = self.locate(np.array([start, end]))
        knots = np.arange(ends[0] + 1, ends[1] + 1)
        mid = self.inner[knots] + depth * (self.outer[knots] - self.inner[knots])
        tips = self.point(np.array([start, end]), np.full(2, depth))
        return np.vstack((tips[:1], mid, tips[1:]))


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def lanes_of(valleys: list[Valley]) -> list[Lane]:
    """Return all lanes; the river is side 0, with its whole width between its banks."""
    out = []
    for i, v in enumerate(valleys):
        strips = [(0, 0, "1101", v.line(-1, 0), v.line(1, 0))]
        for side, kinds in v.lanes.items():
            strips += [
                (side, row, kind, v.line(side, row), v.line(side, row + 1))
                for row, kind in enumerate(kinds)
            ]
        for side, row, kind, inner, outer in strips:
            out.append(
                Lane(valley=i, side=side, row=row, kind=kind, inner=inner, outer=outer,
                     cum=_cumulate(inner, outer), town=v.town,
                     first=v.first)
            )  # fmt: skip
    return out


def _cumulate(inner: Floats, outer: Floats) -> Floats:
    """Official area up to each knot: plane area over the areal scale of the projection."""
    p, q = inner, outer
    diag1, diag2 = q[1:] - p[:-1], p[1:] - q[:-1]
    plane = np.abs(_cross(diag1, diag2)) / 2
    middle = (p[1:] + p[:-1] + q[1:] + q[:-1]) / 4
    return np.asarray(np.r_[0.0, np.cumsum(plane / areal_scale(middle))])


def areal_scale(xy: Floats) -> Floats:
    """Return the areal scale of the plane (k²) at points of EPSG:4524."""
    proj = pyproj.Proj(CRS)
    lon, lat = proj(xy[:, 0], xy[:, 1], inverse=True)
    return np.asarray(proj.get_factors(lon, lat).areal_scale)


def slots(lanes: list[Lane], valleys: list[Valley]) -> pd.DataFrame:
    """Return free stretches of the field lanes: lane, town, start, end (area), rank.

    Towns end at cross-sections; the streams of side valleys keep their way through.
    """
    rows = []
    for k, lane in enumerate(lanes):
        if lane.kind != FIELD:
            continue
        v = valleys[lane.valley]
        for a, b, town in _runs(lane.town, lane.first):
            cuts = [float(lane.cum[a])]
            for s, side, half in sorted(v.mouths):
                if side == lane.side and a < s / v.step_m < b:
                    cuts += [lane.area_at(s - half, v.step_m), lane.area_at(s + half, v.step_m)]
            cuts.append(float(lane.cum[b]))
            rank = lane.row + (1.5 if v.parent >= 0 else 0.0)
            rows += [(k, town, x, y, rank) for x, y in zip(cuts[::2], cuts[1::2], strict=True)]
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "rank"])


def streams(lanes: list[Lane], valleys: list[Valley]) -> pd.DataFrame:
    """Return the side streams' crossings of field lanes, as cells."""
    rows = []
    for k, lane in enumerate(lanes):
        v = valleys[lane.valley]
        for s, side, half in sorted(v.mouths):
            if lane.kind == FIELD and side == lane.side and s / v.step_m > lane.first:
                town = int(lane.town[int(s // v.step_m)])
                ends = [lane.area_at(s + d, v.step_m) for d in (-half, half)]
                rows.append((k, town, *ends, "1101"))
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "now"])


def linear(lanes: list[Lane], rng: np.random.Generator) -> pd.DataFrame:
    """Return rivers, banks, roads and ditches as cells, cut at towns and every few km."""
    rows = []
    for k, lane in enumerate(lanes):
        if lane.kind == FIELD:
            continue
        every = 450.0 if lane.kind == "bank" else 2600.0
        for a, b, town in _runs(lane.town, lane.first):
            length = float(np.hypot(*np.diff(lane.inner[a : b + 1], axis=0).T).sum())
            n = max(int(length / every), 1)
            ends = np.linspace(lane.cum[a], lane.cum[b], n + 1)
            kinds = [lane.kind] * n
            if lane.kind == "bank":
                kinds = list(rng.choice(["1106", "0404", "0305", "0307"], n))
            rows += [(k, town, ends[j], ends[j + 1], kinds[j]) for j in range(n)]
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "now"])


def _runs(town: Ints, first: int) -> list[tuple[int, int, int]]:
    edge = np.r_[first, np.flatnonzero(np.diff(town[first:])) + 1 + first, len(town)]
    return [(int(a), int(b), int(town[a])) for a, b in pairwise(edge)]
