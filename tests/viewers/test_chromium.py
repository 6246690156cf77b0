"""The page opened as a reader does: from the disk, no network, by mouse, keyboard or touch."""

import re
import shutil
import subprocess
import time

import pytest

from fragilite.french import fold, number
from fragilite.outputs import report

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 900}}
#: What axe-core finds that keeps somebody out.
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def address(built, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "rapport.html"
    report.write(built, path)
    return path.as_uri()


def codes(page):
    """Codes of the rows of the table that are shown, in their order."""
    rows = page.locator("#communes-table tbody tr:not([hidden]) a")
    return rows.evaluate_all("links => links.map(link => link.hash.slice(1))")


def ordered(built, column, *, ascending):
    """Codes as pandas orders a column, as it is shown; equal values in the order of the ranks."""
    table = built.communes.sort_values(["rang", "code_insee"])
    key = table[column].round(built.columns[column].decimales)
    order = key.sort_values(ascending=ascending, kind="stable", na_position="last").index
    return table.loc[order, "code_insee"].tolist()


def wide(page):
    """Whether the page must be pushed sideways to be read."""
    return page.evaluate("document.scrollingElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("text", [100, 130, 200])
@pytest.mark.parametrize("width", [320, 360, 390])
def test_nothing_is_pushed_off_a_small_screen(opened, pictures, width, text):
    """WCAG 1.4.10 and 1.4.4: a column as narrow as 320 px, letters twice as large."""
    page = opened(viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True)
    page.evaluate("size => { document.documentElement.style.fontSize = size; }", f"{text}%")
    for code, name in (("", "page"), ("49328", "fiche"), ("200071876", "epci")):
        page.evaluate("code => { location.hash = code; }", code)
        page.wait_for_timeout(100)
        page.screenshot(path=pictures / f"etroit_{width}_{text}_{name}.png", full_page=True)
        width_of_page = page.evaluate("document.scrollingElement.scrollWidth")
        assert width_of_page <= width, guilty(page)
        for box in page.locator(".defile:visible").all():
            hidden = box.evaluate("box => box.scrollWidth - box.clientWidth")
            stop = box.get_attribute("tabindex") == "0"
            assert stop or hidden <= 1  # what is out of sight is reached by the keyboard
            assert box.get_attribute("aria-label")


def guilty(page):
    """What stands out of the window, and is in no box that scrolls."""
    return page.evaluate(
        """() => [...document.body.querySelectorAll("*")]
        .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
        .filter(node => !node.closest(".defile:not(.entier) *"))
        .map(node => node.outerHTML.slice(0, 120)).slice(0, 8)"""
    )


def test_pictures_of_the_page(opened, pictures):
    desk, phone = opened(), opened(**PHONE)
    desk.screenshot(path=pictures / "rapport_bureau.png")
    desk.screenshot(path=pictures / "rapport_bureau_entier.png", full_page=True)
    phone.screenshot(path=pictures / "rapport_telephone.png")
    desk.get_by_label("Personnes à accompagner", exact=True).check()
    desk.locator("#carte").screenshot(path=pictures / "rapport_volume.png")
    assert not wide(desk)
    assert not wide(phone)


def test_an_elected_official_finds_a_commune_on_a_phone(opened, pictures):
    """Ten seconds are for a person: what the page itself takes must be a small part of them."""
    page = opened(**PHONE)
    start = time.perf_counter()
    box = page.get_by_role("combobox")
    assert box.bounding_box()["y"] + box.bounding_box()["height"] < 844, "seen without scrolling"
    box.tap()
    page.keyboard.type("saumu")
    page.screenshot(path=pictures / "rapport_telephone_recherche.png")
    page.get_by_role("option").first.tap()
    title = page.locator("#fiche h2")
    assert title.inner_text() == "Saumur"
    assert time.perf_counter() - start < 5
    page.wait_for_timeout(600)  # a smooth scroll ends
    place = title.bounding_box()
    assert 0 <= place["y"] < 600
    assert not wide(page)
    page.screenshot(path=pictures / "rapport_telephone_fiche.png")
    page.locator("#fiche").screenshot(path=pictures / "rapport_telephone_fiche_entiere.png")


def test_search_by_keyboard(opened, built, pictures):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "evitement"
    page.keyboard.press("Enter")
    page.keyboard.type("saum")
    box = page.get_by_role("combobox")
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    current = box.get_attribute("aria-activedescendant")
    assert page.locator(f"#{current}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    assert page.locator("#fiche h2").inner_text() == "Saumur"
    assert page.url.endswith("#49328")
    assert page.evaluate("document.activeElement.textContent") == "Saumur"
    row = built.communes.set_index("nom").loc["Saumur"]
    sheet = page.locator("#fiche").inner_text()
    assert number(row["indice"], 1) in sheet
    assert number(row["personnes_a_accompagner"]) in sheet
    page.locator("#fiche").screenshot(path=pictures / "rapport_fiche.png")


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("49007", "Angers"),
        ("oree d anjou", "Orée d'Anjou"),
        ("ST BARTHELEMY", "Saint-Barthélemy-d'Anjou"),
        ("champtoceaux", "Orée d'Anjou"),
        ("mauges communaute", "CA Mauges Communauté"),
    ],
)
def test_search_forgives(opened, typed, title):
    page = opened()
    page.get_by_role("combobox").fill(typed)
    page.keyboard.press("Enter")
    assert page.locator("#fiche h2").inner_text() == title
    if typed == "champtoceaux":
        assert (
            "Champtoceaux est aujourd'hui dans cette commune" in page.locator("#fiche").inner_text()
        )


def shown_at(page, link):
    """Height of a link in the window, once scrolling has ended."""
    page.wait_for_timeout(600)
    return link.bounding_box()["y"]


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["bureau", "telephone"])
@pytest.mark.parametrize("way", ["retour", "fermer"])
def test_closing_a_sheet_goes_back_to_the_row(opened, way, screen):
    page = opened(**screen)
    link = page.locator("#communes-table tbody a").nth(90)
    link.scroll_into_view_if_needed()
    before = shown_at(page, link)
    link.click()
    page.locator("#fiche .identite a").click()  # from sheet to sheet
    page.wait_for_timeout(600)
    if way == "retour":
        page.go_back()
        assert page.locator("#fiche").is_visible(), "the sheet before"
        page.go_back()
    else:
        page.locator("#fiche [data-action=fermer]").click()
    page.locator("#fiche").wait_for(state="hidden")
    assert abs(shown_at(page, link) - before) < 2
    assert link.evaluate("link => document.activeElement === link")
    assert page.locator("#communes-table tr.choisie").count() == 0


def test_back_after_a_search_empties_it(opened):
    page = opened(**PHONE)
    page.get_by_role("combobox").fill("saum")
    page.keyboard.press("Enter")
    page.locator("#fiche").wait_for()
    page.go_back()
    page.locator("#fiche").wait_for(state="hidden")  # the address changes first, then the page
    assert page.get_by_role("combobox").input_value() == ""
    page.go_forward()
    page.locator("#fiche").wait_for()
    assert page.locator("#fiche h2").inner_text() == "Saumur"


def test_a_part_of_the_page_leaves_the_sheet(opened):
    page = opened("#49328")
    page.locator("a[href='#lire']").click()
    assert page.locator("#fiche h2").inner_text() == "Saumur"


def test_address_of_a_former_code(opened):
    page = opened("#49069")
    assert page.locator("#fiche h2").inner_text() == "Orée d'Anjou"
    assert "Champtoceaux est aujourd'hui dans" in page.locator("#fiche").inner_text()
    assert page.url.endswith("#49126")


@pytest.mark.parametrize("code", ["99999", "%E9"])
def test_address_of_an_unknown_code(opened, code):
    page = opened("#49328")
    page.evaluate("code => { location.hash = code; }", code)
    said = page.locator("#code-inconnu")
    said.wait_for()
    assert plain(said.inner_text()) == f"Aucune commune de cette page n'a le code « {code} »."
    page.locator("#fiche").wait_for(state="hidden")
    page.get_by_role("combobox").fill("saumur")
    page.keyboard.press("Enter")
    said.wait_for(state="hidden")


def test_search_says_when_it_finds_nothing(opened):
    page = opened()
    page.get_by_role("combobox").fill("zzz")
    page.locator("#recherche-vide").wait_for()
    page.keyboard.press("Enter")
    page.locator("#fiche").wait_for(state="hidden")


def test_names_are_folded_as_the_program_folds_them(opened, built):
    page = opened()
    names = [*built.communes["nom"], *built.inputs.anciennes["nom"], "Œuilly", "Ste-Gemmes", "ÇÀ"]
    assert page.evaluate("names => names.map(plie)", names) == [fold(name) for name in names]


def test_contributions_of_a_sheet_add_up(opened):
    page = opened("#49237")
    points = page.locator("[data-lignes=indicateurs] tbody [data-champ=points]").all_inner_texts()
    total = page.locator("[data-lignes=indicateurs] [data-champ=total]").inner_text()
    values = [float(text.replace(",", ".")) for text in points if text != "–"]
    assert round(sum(values), 1) == float(total.replace(",", "."))
    assert total == page.locator(".chiffre [data-champ=indice]").inner_text()


def test_a_small_share_is_not_nothing(opened, built):
    rows = built.communes.set_index("nom")
    people = rows["personnes_a_accompagner"]
    assert 0 < 100 * people["La Pellerine"] / people.sum() < 0.05
    said = plain(
        opened(f"#{rows.loc['La Pellerine', 'code_insee']}").locator("#fiche").inner_text()
    )
    assert "moins de 0,1 % de celles du territoire" in said
    assert "0,0 % de celles" not in said


def test_sheet_of_an_epci_says_its_place(opened, built):
    page = opened("#200071876")
    row = built.epci.set_index("code_epci").loc["200071876"]
    said = plain(page.locator("#fiche").inner_text())
    place = "1er" if row["rang"] == 1 else f"{row['rang']}e"
    assert f"{place} sur {row['rang_sur']} EPCI entiers" in said
    cells = page.locator("#fiche [data-lignes=sous_indices] tbody tr").first.locator("td:visible")
    of_department = built.result_departement.scores.noeuds.loc["49", built.method.root]
    assert cells.all_inner_texts() == [number(row["indice"], 1), number(of_department, 1)]


def test_no_signal_is_never_a_bare_label(opened, built):
    calm = built.communes.set_index("code_insee")["lecture"].eq("pas de signal").idxmax()
    said = opened(f"#{calm}").locator("#fiche").inner_text()
    assert "pas de signal. Cela ne dit pas que personne n'a besoin d'aide" in said
    assert "la motivation et la confiance" in said.lower()


def test_map_by_mouse(opened, built):
    page = opened()
    row = built.communes["nom"].tolist().index("Noyant-Villages")
    shape = page.locator("#communes path").nth(row)
    x, y = page.evaluate(
        """row => { const [x, y] = data.communes.centre[row];
        const at = new DOMPoint(x, y).matrixTransform($("dessin").getScreenCTM());
        return [at.x, at.y]; }""",
        row,
    )
    page.mouse.move(x, y)
    bubble = page.locator("#infobulle")
    assert bubble.inner_text().startswith("Noyant-Villages")
    assert "63,6" in bubble.inner_text()
    assert "fragilité très forte" in bubble.inner_text()
    page.mouse.click(x, y)
    assert page.locator("#fiche h2").inner_text() == "Noyant-Villages"
    assert page.locator("#choisie").get_attribute("d") == shape.get_attribute("d")
    page.mouse.move(5, 5)
    assert bubble.is_hidden()


def test_map_by_keyboard(opened, built):
    page = opened()
    drawing = page.get_by_role("listbox", name=re.compile("par commune"))
    drawing.focus()
    page.keyboard.press("Home")
    first = drawing.get_attribute("aria-activedescendant")
    assert page.locator(f"#{first}").get_attribute("aria-label").startswith("Noyant-Villages")
    assert page.locator("#infobulle").inner_text().startswith("Noyant-Villages")
    page.keyboard.press("ArrowLeft")
    second = drawing.get_attribute("aria-activedescendant")
    centre = "id => data.communes.centre[Number(id.slice(6))]"
    assert page.evaluate(centre, second)[0] < page.evaluate(centre, first)[0]
    page.keyboard.press("Escape")
    page.locator("#infobulle").wait_for(state="hidden")
    page.keyboard.press("Enter")
    opened_code = page.url.rpartition("#")[2]
    assert opened_code == built.communes["code_insee"].iloc[int(second.removeprefix("forme-"))]


def test_map_is_one_stop_of_the_keyboard(opened):
    page = opened()
    stops = page.locator("#carte [tabindex='0'], #carte input, #carte button:visible")
    radios = page.locator("#choix input").count()
    assert stops.count() == radios + 1


def test_choice_of_the_map(opened, built):
    page = opened()
    before = page.locator("#communes path").first.get_attribute("fill")
    page.get_by_label("Réseau", exact=True).check()
    colours = page.locator("#communes path").evaluate_all("p => p.map(x => x.getAttribute('fill'))")
    legend = page.locator(".legende:visible")
    assert "Fragilité du réseau" in legend.inner_text()
    assert len(set(colours)) > 1
    page.get_by_label("Personnes à accompagner", exact=True).check()
    assert page.locator("#cercles circle").count() == 176
    areas = page.locator("#cercles circle").evaluate_all(
        "all => all.map(one => [Number(one.dataset.commune), Number(one.getAttribute('r'))])"
    )
    people = built.communes["personnes_a_accompagner"]
    angers, cholet = (built.communes["nom"].tolist().index(name) for name in ("Angers", "Cholet"))
    radius = dict(areas)
    assert (radius[angers] / radius[cholet]) ** 2 == pytest.approx(
        people[angers] / people[cholet], rel=0.01
    )
    page.get_by_label("Indice", exact=True).check()
    assert page.locator("#communes path").first.get_attribute("fill") == before
    assert page.locator("#cercles circle").count() == 0


def test_zoom_on_an_epci(opened):
    page = opened("#49328")
    whole = page.locator("#dessin").get_attribute("viewBox")
    page.get_by_role("button", name="Zoomer sur son EPCI").click()
    near = page.locator("#dessin").get_attribute("viewBox")
    assert float(near.split()[2]) < float(whole.split()[2])
    page.get_by_role("button", name="Voir tout le territoire").click()
    assert page.locator("#dessin").get_attribute("viewBox") == whole


def test_table_sorts_as_pandas_does(opened, built):
    page = opened()
    for column in ("indice", "personnes_a_accompagner", "fragilite_reseau"):
        button = page.locator(f"[data-colonne={column}] button")
        button.click()
        assert codes(page) == ordered(built, column, ascending=False), column
        button.click()
        assert codes(page) == ordered(built, column, ascending=True), column
        header = page.locator(f"[data-colonne={column}]")
        assert header.get_attribute("aria-sort") == "ascending"
    assert page.locator("[aria-sort]").count() == 1


def test_table_sorts_by_keyboard(opened, built):
    page = opened()
    page.locator("[data-colonne=population] button").focus()
    page.keyboard.press("Enter")
    assert codes(page) == ordered(built, "population", ascending=False)
    page.keyboard.press("Space")
    assert codes(page) == ordered(built, "population", ascending=True)


def test_table_is_filtered(opened, built):
    page = opened()
    page.get_by_label("Filtrer par commune").fill("saumur val de loire")
    here = built.communes[built.communes["nom_epci"] == "CA Saumur Val de Loire"]
    assert set(codes(page)) == set(here["code_insee"])
    assert page.locator("#compte").inner_text() == "45 sur 176"
    page.get_by_label("Filtrer par commune").fill("champtoceaux")
    assert codes(page) == ["49126"]
    page.get_by_label("Filtrer par commune").fill("")
    assert len(codes(page)) == 176
    page.get_by_label("Filtrer par commune").fill("zzz")
    page.locator("#table-vide").wait_for()


def test_table_is_readable_on_a_phone(opened):
    page = opened(**PHONE)
    shown = page.locator("#communes-table tbody tr").first.locator(":is(th, td):visible")
    box = page.locator("#communes-table").bounding_box()
    assert shown.count() == 4
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("#communes-table a", has_text="Angers").first.tap()
    assert page.locator("#fiche h2").inner_text() == "Angers"


def test_touch_targets_are_large_enough(opened):
    page = opened("#49328", **PHONE)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, input, #choix label, #communes-table a")]
        .filter(node => node.checkVisibility() && node.type !== "radio")
        .map(node => [node.textContent, node.getBoundingClientRect().height])
        .filter(([, height]) => height < 24)"""
    )
    assert small == []


def test_page_holds_without_javascript(opened, built):
    page = opened(java_script=False)
    assert page.locator("noscript").count() == 1
    assert page.locator("#communes path").count() == 176
    assert page.locator(".legende").first.is_visible()
    assert page.locator("#communes-table tbody tr").count() == 176
    assert page.get_by_role("combobox").is_hidden()


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["bureau", "telephone"])
def test_axe_finds_nothing_grave(opened, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core absent")
    page = opened(**screen)

    def graves():
        found = axe.Axe().run(page).response["violations"]
        return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in GRAVE]

    assert graves() == [], "as it opens"
    page.get_by_label("Personnes à accompagner", exact=True).check()
    assert graves() == [], "volume"
    page.get_by_role("combobox").fill("saum")
    assert graves() == [], "propositions"
    page.keyboard.press("Enter")
    assert graves() == [], "sheet of a commune"
    page.locator("#fiche .identite a").click()
    assert graves() == [], "sheet of an EPCI"


def pages_of(path):
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    return plain(text).split("\f")[:-1]


def plain(text):
    """Thin and no-break spaces as any other."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_print_cuts_no_table(opened, built, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    page = opened("#49328")
    path = pictures / "rapport.pdf"
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    assert sheets[0].index("Saumur") < 400, "the sheet that is open comes first"
    assert "Trouver une commune" not in "".join(sheets)
    table = built.communes.sort_values(["rang", "code_insee"])
    lost = []
    for row in table.to_dict("records"):
        cells = [number(row["rang"]), number(row["indice"], 1), number(row["fragilite_sociale"], 1),
                 number(row["population"])]  # fmt: skip
        line = re.compile(r"^ *" + r"\b.* ".join(map(plain, cells)) + r"\b", re.MULTILINE)
        if not any(line.search(sheet) for sheet in sheets):
            lost.append(row["nom"])
    assert lost == [], "a row is on one page, on one line, to its last figure"
    inside = [sheet for sheet in sheets if len(re.findall(r"CA |CC |CU ", sheet)) > 20]
    assert len(inside) > 2
    assert all("Compétences" in sheet for sheet in inside), "the header is on each page"
    assert len(sheets) <= 12, "two for the sheet, one for the towns, nine for the rest"


def test_print_begins_with_the_map(opened, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    path = pictures / "rapport_entier.pdf"
    opened().pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    assert "Traits épais" in sheets[0], "the legend of the map"
    page_of_epci = next(sheet for sheet in sheets if "Les EPCI côte à côte" in sheet)
    assert "CC du Pays d'Ancenis" in page_of_epci, "its first row and its last"
    assert len(sheets) <= 10, "one for the towns"


def test_print_of_a_sheet_is_the_sheet_alone(opened, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    page = opened("#49328")
    page.evaluate("() => { window.print = () => { window.printed = document.body.className; }; }")
    page.locator("[data-action=imprimer]").click()
    assert page.evaluate("window.printed") == "fiche-seule"
    path = pictures / "rapport_fiche.pdf"
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    assert len(sheets) <= 2
    assert "Saumur" in sheets[0]
    assert "En bref" not in "".join(sheets)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.body.className") == ""


def test_print_stays_on_paper(opened):
    page = opened("#49328")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})  # 184 mm at 96 points an inch
    assert not wide(page)
