"""How long the offline page takes in Chromium: until it is ready, to pan, to filter, to search.

python benchmarks/offline_page.py [tasks …]        (3,000 and 20,000 when none are named)

Times are the browser's own, from input to the frame that shows it; best and median of several goes.
The machine's other work counts in; the last column, the CPU time of the page's main thread for one
go (painting and the test tool's own share included), hardly depends on it. On a busy machine,
`chrt -f 10` before the command (as root) keeps the others out.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from made.plots import page_data
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.reports.page import make

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
COUNTS = (3_000, 20_000)
GOES = 7
DRAWN = """async (action) => {
  const start = performance.now();
  action();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
"""Milliseconds from an action to the end of the frame that shows it."""
FRAMES = """() => {
  let [last, longest, on] = [performance.now(), 0, true];
  const tick = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    if (on) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.longestFrame = () => { on = false; return longest; };
}"""
"""Begin to watch for the longest time between two frames."""
ACTIONS = {
    "filter by category": "() => document.querySelector('#classes input').click()",
    "filter by status": "() => document.querySelector('#statuses input').click()",
    "search": """() => {
        const box = document.getElementById('words');
        box.value = box.value ? '' : '第3镇7村';
        box.dispatchEvent(new Event('input'));
    }""",
}


def main() -> None:
    """Make the pages, open them, print what it took."""
    counts = [int(text) for text in sys.argv[1:]] or COUNTS
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        for count in counts:
            file = Path(name) / f"{count}.html"
            data = page_data(count)
            start = time.process_time()
            content = make(data)["maps/plots.html"]
            spent = time.process_time() - start
            file.write_bytes(content)
            print(f"{count} tasks: {len(content) / 1e6:.1f} MB, made in {spent:.1f} s CPU (both)")
            measure(browser, file)
        browser.close()


def measure(browser: Browser, file: Path) -> None:
    """Print what opening the page and working with it takes."""
    openings = []
    for _ in range(GOES):
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        clock = Clock(page)
        openings.append(ready(page, file))
        spent = clock.milliseconds()
    say("ready", openings, spent)
    for words, action in ACTIONS.items():
        before = clock.milliseconds()
        times = [page.evaluate(f"({DRAWN})({action})") for _ in range(2 * GOES)]
        say(words, times, (clock.milliseconds() - before) / len(times))
    before = clock.milliseconds()
    times = pan(page)
    say("pan, longest frame", times, (clock.milliseconds() - before) / len(times))


class Clock:
    """The CPU time of a page's main thread."""

    def __init__(self, page: Page) -> None:
        """Start to count."""
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def milliseconds(self) -> float:
        """Return the CPU time spent so far."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def pan(page: Page) -> list[float]:
    """Return the longest frame of each of several drags of the map, in milliseconds."""
    box = page.locator("#map").bounding_box()
    assert box is not None  # noqa: S101 - the page has a map
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    longest = []
    for go in range(GOES):
        page.evaluate(FRAMES)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + (90 if go % 2 else -90), y + 40, steps=6)
        page.mouse.up()
        page.wait_for_timeout(400)
        longest.append(float(page.evaluate("window.longestFrame()")))
    return longest


def ready(page: Page, file: Path) -> float:
    """Return the milliseconds from the navigation to the page's second frame."""
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    return float(page.evaluate("Number(document.documentElement.dataset.ready)"))


def say(words: str, times: list[float], spent: float) -> None:
    best, median = min(times), statistics.median(times)
    print(f"  {words:20} best {best:6.0f} ms   median {median:6.0f} ms   CPU {spent:6.0f} ms")


if __name__ == "__main__":
    main()
