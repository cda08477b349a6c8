"""Two exports of a made county: time, memory, recall and precision of what became of each plot.

python benchmarks/compare_exports.py [plots]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pandas as pd
from made.history import CRS, TRUE_RELATION, Made, history, through_degrees, truth

from pipeline import storage
from pipeline.compare import RELATIONS, compare_products, csv_tables, summary_text

PLOTS = 250_000
SCENES = {
    "new": "later export, unchanged plots byte for byte the same",
    "degrees": "later export delivered in degrees with seven decimals: every coordinate differs",
}


def main() -> None:
    """Make the exports, compare each pair in a process of its own, print what came out."""
    if len(sys.argv) == 3:  # noqa: PLR2004
        measured(Path(sys.argv[1]), sys.argv[2])
        return
    old, new, made = history(int(sys.argv[1]) if len(sys.argv) > 1 else PLOTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for scene, frame in {"old": old, "new": new, "degrees": through_degrees(new)}.items():
            storage.write_frame(folder / f"{scene}.parquet", frame)
        count = f"{len(old):,} → {len(new):,} plots"
        del old, new, frame
        for scene, text in SCENES.items():
            print(f"\n{count}; {text}")
            command = [sys.executable, __file__, name, scene]
            print(
                subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout,
                end="",
            )
            score(pd.read_pickle(folder / f"{scene}.links"), made)  # noqa: S301 - our own


def measured(folder: Path, scene: str) -> None:
    """Do what the command does with exports that have been read in; print time and memory."""
    marks = [time.perf_counter()]
    frames = [storage.read_frame(folder / f"{name}.parquet") for name in ("old", scene)]
    marks.append(time.perf_counter())
    found = compare_products(*frames, crs=CRS)
    marks.append(time.perf_counter())
    for name, table in csv_tables(found).items():
        storage.write_table(folder / scene / name, table)
    storage.write_gpkg(folder / scene / "changes.gpkg", found.layers)
    summary_text(found)
    marks.append(time.perf_counter())
    read, compared, wrote = (b - a for a, b in pairwise(marks))
    status = Path("/proc/self/status").read_text(encoding="ascii")  # getrusage counts the parent
    peak = int(re.search(r"VmHWM:\s+([0-9]+)", status)[1]) / 1024
    print(
        f"read {read:.1f} s, compare {compared:.1f} s, write {wrote:.1f} s: "
        f"{marks[-1] - marks[0]:.1f} s ({time.process_time():.1f} s CPU), peak memory {peak:.0f} MB"
    )
    found.links.to_pickle(folder / f"{scene}.links")


def score(links: pd.DataFrame, made: Made) -> None:
    """Print recall and precision by relation and of the links, then every step told otherwise."""
    steps = pd.concat(truth(made), ignore_index=True)
    told = pd.concat(
        [
            links.dropna(subset=name).drop_duplicates(name).set_index(name)["relation"].reindex(bsm)
            for name, bsm in (("old_bsm", list(made.old_step)), ("new_bsm", list(made.new_step)))
        ],
        ignore_index=True,
    )
    beyond = (steps == "wide").to_numpy()  # by definition descent: told apart below
    true = steps.replace(TRUE_RELATION)
    print(f"{'':12s}{'true':>8s}{'told':>8s}{'recall':>8s}{'precision':>11s}")
    for name in RELATIONS:
        is_true, is_told = (true == name)[~beyond], (told == name)[~beyond]
        line(name, is_true.sum(), is_told.sum(), (is_true & is_told).sum())
    pairs = links.dropna(subset=["old_bsm", "new_bsm"])
    said = set(zip(pairs["old_bsm"], pairs["new_bsm"], strict=True))
    line("links", len(made.links), len(said), len(said & set(made.links)))
    wrong = pd.DataFrame({"step": steps, "told": told.fillna("nothing")})[true != told]
    for (step, name), count in wrong.value_counts().sort_index().items():
        print(f"  {step} told as {name}: {count} of {(steps == step).sum()} plots")


def line(name: str, true: int, told: int, right: int) -> None:
    """Print one line of the table."""
    recall, precision = (f"{right / n:.4f}" if n else "-" for n in (true, told))
    print(f"{name:12s}{true:8d}{told:8d}{recall:>8s}{precision:>11s}")


if __name__ == "__main__":
    main()
