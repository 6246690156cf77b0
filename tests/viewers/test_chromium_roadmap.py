"""The page with places and a roadmap, opened as a reader does."""

import shutil

import pytest
from studies import listed, saumur
from test_chromium import GRAVE, PHONE, guilty, pages_of, plain, wide

from fragilite.french import number
from fragilite.outputs import report
from fragilite.outputs.sector_map import SHARE, shared_sectors
from fragilite.roadmap import tables
from fragilite.sector_colours import colours, tint

#: Saumur: a post of its own, and a part of another; a small commune, of one sector.
SAUMUR, SMALL = "49328", "49003"
PLACES = [
    {"nom": "Médiathèque de Saumur", "longitude": -0.075, "latitude": 47.26, "etat": ""},
    {"nom": "Maison France services de Longué-Jumelles et de ses environs", "code_insee": "49180",
     "longitude": -0.11, "latitude": 47.38, "date_maj": "2020-02-03", "type": "france_services"},
    {"nom": "Fermé", "longitude": -0.075, "latitude": 47.261, "etat": "ferme"},
]  # fmt: skip


@pytest.fixture(scope="module")
def roads():
    return saumur()


@pytest.fixture(scope="module")
def address(roads, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "feuille_de_route.html"
    report.write(roads.build, path, listed(*PLACES), roads)
    return path.as_uri()


def choice(page, one):
    return page.get_by_label(f"Secteurs : {one.scenario.libelle}", exact=True)


@pytest.mark.parametrize("text", [100, 130, 200])
@pytest.mark.parametrize("width", [320, 360, 390])
def test_nothing_is_pushed_off_a_small_screen(opened, pictures, width, text):
    page = opened(viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True)
    page.evaluate("size => { document.documentElement.style.fontSize = size; }", f"{text}%")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.locator("#choix input").last.check()
    for code in ("", SAUMUR, SMALL):
        page.evaluate("code => { location.hash = code; }", code)
        page.wait_for_timeout(100)
        page.screenshot(path=pictures / f"route_{width}_{text}_{code}.png", full_page=True)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, guilty(page)
        for box in page.locator(".defile:visible").all():
            hidden = box.evaluate("box => box.scrollWidth - box.clientWidth")
            assert box.get_attribute("tabindex") == "0" or hidden <= 1
        names = page.locator(".fixe tbody th:not([colspan])").evaluate_all(
            "all => Math.max(...all.map(one => one.getBoundingClientRect().width))"
        )
        assert names < 0.6 * width, "names that stay in sight leave room for figures"


def test_map_of_sectors(opened, roads, pictures):
    page = opened()
    help_of_epci = page.locator("#traits-epci")
    assert help_of_epci.is_visible()
    for one in roads.scenarios:
        choice(page, one).check()
        shown = page.locator("#dessin .secteurs[display=inline]")
        assert shown.count() == 1
        colour = colours(one)
        sector_of = shared_sectors(one)
        fills = page.locator("#communes path").evaluate_all(
            "all => all.map(one => one.getAttribute('fill'))"
        )
        wanted = [
            tint(colour[sector_of[code]], SHARE) for code in roads.build.communes["code_insee"]
        ]
        assert fills == wanted
        legend = page.locator(".legende:visible")
        assert legend.count() == 1
        for row in one.postes.to_dict("records"):
            name = tables.sector_name(row["secteur"], row["nom_base"])
            assert name in plain(legend.inner_text())
        assert help_of_epci.is_hidden()
        page.locator("#carte").screenshot(path=pictures / f"secteurs_{one.scenario.code}.png")
    page.get_by_label("Indice", exact=True).check()
    assert page.locator("#dessin .secteurs[display=inline]").count() == 0
    assert help_of_epci.is_visible()


def test_map_of_sectors_by_keyboard(opened, roads):
    page, one = opened(), roads.scenarios[0]
    choice(page, one).focus()
    page.keyboard.press("Space")
    page.locator("#dessin").focus()
    page.keyboard.press("Home")
    bubble = plain(page.locator("#infobulle").inner_text())
    mine = one.communes[~one.communes["poste_entier"]]
    row = mine[mine["nom"] == bubble.split(" : ")[0]].iloc[0]
    name = tables.sector_name(row["secteur"], row["nom_base"])
    assert bubble == f"{row['nom']} : {number(row['distance'], 1)} km de sa base – {name}"
    page.keyboard.press("Enter")
    assert page.locator("#fiche h2").inner_text() == row["nom"]


def test_numbers_of_bases_keep_their_size(opened, roads):
    page = opened(f"#{SAUMUR}")
    choice(page, roads.scenarios[0]).check()
    base = page.locator("#dessin .secteurs[display=inline] text").first
    before = base.evaluate("one => one.getBoundingClientRect().height")
    page.evaluate("cadre({ x: full.x, y: full.y, w: full.w / 3, h: full.h / 3 })")
    assert base.evaluate("one => one.getBoundingClientRect().height") == pytest.approx(before, 0.1)


def test_sheet_of_a_shared_commune(opened, roads, pictures):
    page = opened(f"#{SAUMUR}")
    sheet = page.locator("#fiche")
    said = plain(sheet.inner_text())
    assert "1 lieu connu qui reçoit dans cette commune : association 1." in said
    assert f"fragilite orient --commune {SAUMUR} --besoin … --public …" in said
    near = sheet.locator(".proches li").all_inner_texts()
    assert [text.split(",")[0] for text in near] == [
        "Médiathèque de Saumur", "Maison France services de Longué-Jumelles et de ses environs",
    ]  # fmt: skip
    assert "ne dit pas s'il est toujours ouvert" in plain(near[0])
    assert "3 février 2020, à vérifier avant d'y aller" in plain(near[1])
    mine = [one.communes[one.communes["code_insee"] == SAUMUR] for one in roads.scenarios]
    heads = sheet.locator(".secteurs-commune thead th")
    assert heads.count() == sum(map(len, mine))
    own = [bool(value) for rows in mine for value in rows["poste_entier"]]
    word = tables.columns()["poste_entier"].libelle
    assert [word in plain(text) for text in heads.all_inner_texts()] == own
    assert any(own)
    halves = sheet.locator(".secteurs-commune tr", has_text="Demi-journées").locator("td")
    assert halves.all_inner_texts() == [
        number(value) for rows in mine for value in rows["demi_journees"]
    ]
    sheet.screenshot(path=pictures / "fiche_feuille_de_route.png")


def test_links_to_the_sections_leave_the_sheet(opened):
    page = opened(f"#{SAUMUR}")
    page.locator(".plus-loin a", has_text="feuille de route").click()
    assert page.url.endswith("#route")
    assert page.locator("#fiche h2").inner_text() == "Saumur"
    base = page.locator("#route .postes a").filter(has_not_text="Saumur").first
    name = plain(base.inner_text()).partition(" · ")[2]
    base.click()
    assert page.locator("#fiche h2").inner_text() == name


def test_answers_have_three_shapes(opened):
    page = opened()
    shapes = set()
    for answer in ("oui", "aucune", "inconnu"):
        cells = page.locator(f"[data-reponse={answer}]")
        if not cells.count():
            continue
        assert all(text.startswith(answer) for text in cells.all_inner_texts())
        shapes.add(
            cells.first.evaluate(
                "one => { const { height, borderTopStyle, borderRadius } = "
                "getComputedStyle(one, '::before'); "
                "return [height, borderTopStyle, borderRadius].join(); }"
            )
        )
    assert len(shapes) >= 2


def test_sections_hold_without_javascript(opened, roads):
    page = opened(java_script=False)
    assert page.locator("#table-lieux tbody tr").count() == len(roads.build.epci)
    assert page.locator("#route .postes").count() == len(roads.scenarios)
    assert page.locator("#dessin .secteurs[display=inline]").count() == 0


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["bureau", "telephone"])
def test_axe_finds_nothing_grave(opened, roads, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core absent")
    page = opened(**screen)

    def graves():
        found = axe.Axe().run(page).response["violations"]
        return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in GRAVE]

    assert graves() == [], "as it opens"
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    choice(page, roads.scenarios[1]).check()
    assert graves() == [], "sectors, folds open"
    page.evaluate("code => { location.hash = code; }", SAUMUR)
    page.locator("#fiche").wait_for()
    assert graves() == [], "sheet"


def test_print_stays_on_paper(opened, roads, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    page = opened()
    choice(page, roads.scenarios[1]).check()
    path = pictures / "feuille_de_route.pdf"
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    assert "Secteurs : Le nombre d'abord" in sheets[0], "the map and its legend"
    posts = next(sheet for sheet in sheets if "Le nombre d'abord : 5 postes" in sheet)
    assert all(f"Secteur {at}" in posts for at in range(1, 6)), "no table of posts is cut"
    assert len(sheets) <= 9
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})
    assert not wide(page), guilty(page)


def test_print_of_a_sheet_is_two_pages_and_its_iris(opened, pictures):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext absent : apt-get install poppler-utils")
    page = opened(f"#{SAUMUR}")
    page.evaluate("() => { window.print = () => {}; }")
    page.locator("[data-action=imprimer]").click()
    path = pictures / "feuille_de_route_fiche.pdf"
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    sheets = pages_of(path)
    assert len(sheets) <= 3, "the third for the IRIS of a town"
    assert "Qui aide ici" in "".join(sheets[:2])
    assert "Face à un plan naïf" not in "".join(sheets)
