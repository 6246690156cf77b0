"""Measure the page: its weight and its first paint, beside a folium map of the same layer.

Both files are opened from the disk, the network cut, in turn, each in a fresh context. A folium map
takes Leaflet and others from network addresses: without them it draws nothing. Its first paint is
measured only with `--modules`, a folder where npm has put those libraries, handed to the browser at
once, as from a perfect network without delay, and without the background tiles: kinder to it than
any real one. The page holds more than the map: search, sheets, tables and texts.
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

#: Milliseconds from the opening to the first text or drawing.
FIRST_PAINT = """() => new Promise((done) => setTimeout(() => {
  const paint = performance.getEntriesByType("paint");
  done(paint.find((entry) => entry.name === "first-contentful-paint")?.startTime ?? null);
}, 500))"""
#: Where a folder of npm modules holds what folium names by network addresses.
ADDRESSES = {
    r"https://cdn\.jsdelivr\.net/npm/((?:@[^/]+/)?[^@/]+)@[^/]+/(.*)": r"\1/\2",
    r"https://code\.jquery\.com/jquery-[\d.]+(\.min\.js)": r"jquery/dist/jquery\1",
}


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


def hand_over(route: Any, modules: Path) -> None:
    """Answer a request for a library from the folder; refuse any other."""
    for address, place in ADDRESSES.items():
        found = re.fullmatch(address, route.request.url)
        if found and (modules / found.expand(place)).is_file():
            return route.fulfill(path=modules / found.expand(place))
    return route.abort()


def first_paint(browser: Any, path: Path, modules: Path | None) -> float | None:
    """Milliseconds to the first contentful paint, None if nothing is ever drawn."""
    context = browser.new_context(offline=modules is None)
    if modules:
        context.route(re.compile("https?://"), lambda route: hand_over(route, modules))
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    found: float | None = page.evaluate(FIRST_PAINT)
    context.close()
    return found


def compare(browser: Any, mine: Path, other: Path, modules: Path | None, runs: int) -> None:
    """Open both in turn, after one warm-up each, and print medians."""

    def pair() -> tuple[float | None, float | None]:
        return first_paint(browser, mine, None), first_paint(browser, other, modules)

    pair()
    pairs = [pair() for _ in range(runs)]
    ours = statistics.median(one for one, _ in pairs if one is not None)
    both = [(one, two) for one, two in pairs if one is not None and two is not None]
    print(f"{'premier affichage':<28} {ours:8.0f} ms", end="   folium ")
    if both:
        ratio = statistics.median(one / two for one, two in both)
        print(f"{statistics.median(two for _, two in both):8.0f} ms   rapport {ratio:5.2f}")
    else:
        print("     rien : il lui faut le réseau")


def main() -> None:
    """Weigh both files, then open them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--modules", type=Path, help="dossier node_modules de npm install "
                        "leaflet@1.9.3 jquery@3.7.1 bootstrap@5.2.2")  # fmt: skip
    given = parser.parse_args()
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
        print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {given.runs} passages")
        weights = [path.stat().st_size / 1000 for path in (mine, other)]
        print(
            f"{'poids du fichier':<28} {weights[0]:8.0f} ko   folium {weights[1]:8.0f} ko"
            f"   rapport {weights[0] / weights[1]:5.2f}"
        )
        loaded = re.findall(r'(?:src|href)="(https?:[^"]+)"', other.read_text(encoding="utf-8"))
        print(f"{'fichiers pris au réseau':<28} {0:8d}      folium {len(set(loaded)):8d}")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        compare(browser, mine, other, given.modules, given.runs)
        browser.close()


if __name__ == "__main__":
    main()
