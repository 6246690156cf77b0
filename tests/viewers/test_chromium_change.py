"""The page with what changed and with IRIS, opened as a reader does."""

import shutil

import pytest
from test_chromium import GRAVE, PHONE, guilty, pages_of, plain, wide

from fragilite.cartography import CHANGE
from fragilite.french import number
from fragilite.inventory import of_bundle
from fragilite.iris import FEW_LIVE
from fragilite.outputs import report
from fragilite.trend import LECTURES, trend
from fragilite.trend.wording import between, signed

#: Split in many IRIS, in some, not split.
ANGERS, SAUMUR, SMALL = "49007", "49328", "49003"


@pytest.fixture(scope="module")
def change(built):
    return trend(built)


@pytest.fixture(scope="module")
def address(built, change, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "changement.html"
    report.write(built, path, of_bundle(built), change=change)
    return path.as_uri()


def unfolded(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


@pytest.mark.parametrize("text", [100, 130, 200])
@pytest.mark.parametrize("width", [320, 360, 390])
def test_nothing_is_pushed_off_a_small_screen(opened, pictures, width, text):
    page = opened(viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True)
    page.evaluate("size => { document.documentElement.style.fontSize = size; }", f"{text}%")
    page.get_by_label("Changement", exact=True).check()
    for code in ("", SAUMUR, SMALL):
        page.evaluate("code => { location.hash = code; }", code)
        page.wait_for_timeout(100)
        unfolded(page)
        page.wait_for_timeout(50)
        page.screenshot(path=pictures / f"change_{width}_{text}_{code}.png", full_page=True)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, guilty(page)
        for box in page.locator(".defile:visible").all():
            hidden = box.evaluate("box => box.scrollWidth - box.clientWidth")
            assert box.get_attribute("tabindex") == "0" or hidden <= 1


def test_map_of_changes(opened, built, change, pictures):
    page = opened()
    page.get_by_label("Changement", exact=True).check()
    rows = change.change(built.method.root).loc[built.communes["code_insee"]]
    fills = page.locator("#communes path").evaluate_all(
        "all => all.map(one => one.getAttribute('fill'))"
    )
    assert fills == [CHANGE[word] for word in rows["lecture"]]
    legend = page.locator(".legende:visible")
    assert legend.count() == 1
    said = plain(legend.inner_text()).lower()
    assert all(word in said for word in LECTURES)
    page.locator("#carte").screenshot(path=pictures / "carte_changement.png")
    words = page.locator("#communes path").nth(0).get_attribute("aria-label")
    first = rows.iloc[0]
    assert plain(words) == (
        f"{first['nom']} : {signed(first['changement'], 1)} – {first['lecture']}"
    )
    page.get_by_label("Indice", exact=True).check()
    assert page.locator("#communes path").first.get_attribute("fill") != fills[0]


def test_map_of_changes_by_keyboard(opened):
    page = opened()
    page.get_by_label("Changement", exact=True).focus()
    page.keyboard.press("Space")
    page.locator("#dessin").focus()
    page.keyboard.press("Home")
    bubble = plain(page.locator("#infobulle").inner_text())
    assert any(bubble.endswith(f" – {word}") for word in LECTURES)
    page.keyboard.press("Enter")
    assert page.locator("#fiche h2").inner_text() == bubble.split(" : ")[0]


@pytest.mark.parametrize("code", [ANGERS, SMALL, "49370"])
def test_sheet_says_its_changes(opened, built, change, pictures, code):
    page = opened(f"#{code}")
    part = page.locator("#fiche [data-place=change]")
    part.screenshot(path=pictures / f"fiche_changement_{code}.png")
    rows = part.locator("tbody tr")
    names = [built.method.root, "part_sans_bac", "part_sans_diplome", "taux_chomage"]
    assert rows.count() == len(names)
    for at, name in enumerate(names):
        row = change.change(name).loc[code]
        said = plain(rows.nth(at).inner_text())
        interval = between(row, 1).replace("\u00a0", " ").strip()
        assert f"{signed(row['changement'], 1)} {interval}" in said
        assert row["lecture"] in said
        assert number(row["valeur_avant"], 1) in said
        assert number(row["valeur_apres"], 1) in said
    assert "ne dit pas que rien n'a changé" in part.inner_text()


def test_sheet_shows_the_iris_of_a_town(opened, built, pictures):
    page = opened(f"#{ANGERS}")
    part = page.locator("#fiche [data-place=villes]")
    rows = built.iris.of(ANGERS)
    rows = rows[~rows["type_iris"].isin(FEW_LIVE) & rows["indice"].notna()]
    assert part.locator("rect.iris").count() == len(rows)
    summary = part.locator("summary")
    assert f"Ses {len(rows)} IRIS" in plain(summary.inner_text())
    summary.focus()
    page.keyboard.press("Enter")
    lines = part.locator("tbody tr")
    assert lines.locator("th > span").all_inner_texts() == rows["nom_iris"].tolist()
    assert [
        plain(text) for text in lines.locator(".mesure").all_inner_texts()
    ] == [number(value, 1) for value in rows["indice"]]  # fmt: skip
    part.screenshot(path=pictures / "fiche_iris.png")
    assert not opened(f"#{SMALL}").locator("#fiche [data-place=villes] table").count()


def test_sections_hold_without_javascript(opened, built):
    page = opened(java_script=False)
    assert page.locator("#villes .villes tbody tr").count() == len(built.iris.inside)
    assert page.locator("#change .changements tbody tr").count() > 5


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["bureau", "telephone"])
def test_axe_finds_nothing_grave(opened, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core absent")
    page = opened(**screen)

    def graves():
        found = axe.Axe().run(page).response["violations"]
        return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in GRAVE]

    page.get_by_label("Changement", exact=True).check()
    unfolded(page)
    assert graves() == [], "folds open"
    page.evaluate("code => { location.hash = code; }", ANGERS)
    page.locator("#fiche").wait_for()
    unfolded(page)
    assert graves() == [], "sheet"


def test_print_stays_on_paper(opened, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    page = opened()
    path = pictures / "changement.pdf"
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    towns = next(sheet for sheet in sheets if "Dans les villes\n" in sheet)
    assert all(name in towns for name in ("Angers", "Saumur", "Montreuil-Bellay"))
    assert len(sheets) <= 15
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})
    assert not wide(page), guilty(page)


def test_print_of_a_sheet(opened, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    for code, most in ((SMALL, 2), (SAUMUR, 3), (ANGERS, 3)):
        page = opened(f"#{code}")
        page.evaluate("() => { window.print = () => {}; }")
        page.locator("[data-action=imprimer]").click()
        path = pictures / f"changement_fiche_{code}.pdf"
        page.pdf(path=path, format="A4", prefer_css_page_size=True)
        sheets = pages_of(path)
        assert len(sheets) <= most
        assert "Ce qui a changé" in "".join(sheets)
        assert "EPCI par EPCI" not in "".join(sheets)
