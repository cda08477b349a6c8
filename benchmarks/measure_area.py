"""Official area of many plots against a loop over pyproj.Geod, in one run on one thread.

python benchmarks/measure_area.py [plots]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import shapely

from pipeline import measure

CRS = "EPSG:4524"
VERTICES = 77  # the mean of a county's plots


def plots(count: int) -> np.ndarray:
    """Return plots of about a hectare, coordinates on the 0.0001 m grid; the same at every run."""
    random = np.random.default_rng(611026)
    angle = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    centre = random.uniform((36_574_500, 3_686_300), (36_647_800, 3_764_800), (count, 2))
    radius = random.uniform(45, 65, (count, VERTICES))
    ring = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
    return shapely.polygons(np.round(centre[:, None, :] + ring, 4))


def main() -> None:
    """Print the time of both, the ratio and the largest difference."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    shapes = plots(count)
    measure.official_area(shapes[:1], CRS)
    start = time.perf_counter()
    official = measure.official_area(shapes, CRS)
    middle = time.perf_counter()
    geodesic = measure.geodesic_area(shapes, CRS)
    end = time.perf_counter()
    fast, slow = middle - start, end - middle
    print(f"plots {count}, vertices {count * VERTICES}")
    print(f"official_area  {fast:8.3f} s  {count / fast:12,.0f} plots/s")
    print(f"Geod loop      {slow:8.3f} s  {count / slow:12,.0f} plots/s")
    print(f"ratio          {slow / fast:8.1f}")
    print(f"largest difference {np.abs(official - geodesic).max():.4f} m²")


if __name__ == "__main__":
    main()
