"""Measure the page: its weight and its first paint, beside a folium map of the same layer.

Both files are opened from the disk, the network cut, in turn, each in a fresh context. A folium
map takes Leaflet from a network address: without it, it draws nothing. So first paints are not
compared; what is, is what both files do alone: weigh, and be read to the end by the browser.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fragilite.pipeline import Build

#: Milliseconds from the opening to the first text or drawing, and to the end of the document.
TIMES = """() => new Promise((done) => setTimeout(() => {
  const paint = performance.getEntriesByType("paint");
  const first = paint.find((entry) => entry.name === "first-contentful-paint");
  const page = performance.getEntriesByType("navigation")[0];
  done([first ? first.startTime : null, page.domContentLoadedEventEnd]);
}, 200))"""


def folium_map(built: Build, path: Path) -> None:
    """The same communes, classes, colours and words in a folium map."""
    try:
        import folium
    except ImportError:
        sys.exit("Il manque folium : pip install folium")
    from fragilite.cartography import themes
    from fragilite.outputs import geographic_layer

    index = themes(built)[0]
    layer = geographic_layer(built, "EPSG:4326")
    places = index.classes(built.communes[index.colonne]).fillna(1).to_numpy()
    colours = dict(zip(layer["code_insee"], [index.couleurs[at - 1] for at in places], strict=True))
    left, bottom, right, top = layer.total_bounds
    drawing = folium.Map(location=[(bottom + top) / 2, (left + right) / 2], zoom_start=9)
    folium.GeoJson(
        layer[["code_insee", "nom", index.colonne, "geometry"]],
        style_function=lambda one: {
            "fillColor": colours[one["properties"]["code_insee"]], "weight": 0.5,
        },
        tooltip=folium.GeoJsonTooltip(["nom", index.colonne]),
    ).add_to(drawing)  # fmt: skip
    drawing.save(path)


def times(browser: Any, path: Path) -> tuple[float | None, float]:
    """First contentful paint and end of the document, in milliseconds."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    first, end = page.evaluate(TIMES)
    context.close()
    return first, end


def measured(browser: Any, mine: Path, other: Path, runs: int) -> None:
    """Open both in turn, after one warm-up each, and print medians."""
    times(browser, mine), times(browser, other)
    pairs = [(times(browser, mine), times(browser, other)) for _ in range(runs)]
    first = [one[0] for one, _ in pairs if one[0] is not None]
    theirs = [two[0] for _, two in pairs if two[0] is not None]
    ratio = statistics.median(one[1] / two[1] for one, two in pairs)
    ends = [statistics.median(pair[side][1] for pair in pairs) for side in (0, 1)]
    print(f"{'premier affichage':<28} {statistics.median(first):8.0f} ms", end="   folium ")
    print(f"{statistics.median(theirs):8.0f} ms" if theirs else "rien : il lui faut le réseau")
    print(
        f"{'document lu':<28} {ends[0]:8.0f} ms   folium {ends[1]:8.0f} ms   rapport {ratio:5.2f}"
    )


def main() -> None:
    """Weigh both files, then open them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("Chromium absent : apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("Il manque playwright : pip install playwright")
    from fragilite import build
    from fragilite.outputs import report

    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        mine, other = Path(name, "page.html"), Path(name, "folium.html")
        built = build("49")
        report.write(built, mine)
        folium_map(built, other)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {runs} passages")
        weights = [path.stat().st_size / 1000 for path in (mine, other)]
        print(
            f"{'poids du fichier':<28} {weights[0]:8.0f} ko   folium {weights[1]:8.0f} ko"
            f"   rapport {weights[0] / weights[1]:5.2f}"
        )
        loaded = re.findall(r'(?:src|href)="(https?:[^"]+)"', other.read_text(encoding="utf-8"))
        print(f"{'fichiers pris au réseau':<28} {0:8d}      folium {len(set(loaded)):8d}")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        measured(browser, mine, other, runs)
        browser.close()


if __name__ == "__main__":
    main()
