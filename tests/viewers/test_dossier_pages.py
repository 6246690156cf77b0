"""The dossier as it is printed: pages of LibreOffice, pictured to be looked at."""

import re
from functools import cache

import pytest

from fragilite.outputs import dossier
from fragilite.outputs.picture import choose, write
from fragilite.subject import of_communes, of_departements, of_epci

SUBJECTS = {
    "epci": lambda built: of_epci(built, "200071876"),
    "deux_communes": lambda built: of_communes(built, ["49221", "49180"]),
    "departement": of_departements,
}
#: A last line of a page that would leave its text on the next one.
HEADINGS = re.compile(
    r"^(La question|Ce que disent les chiffres|Combien de personnes|La carte|La comparaison|"
    r"Ce que ces chiffres ne voient pas|La méthode en .*|Sources et citation|Citer|"
    r"Ce qui manque ou se discute|Pour aller plus loin|Signature|(Tableau|Carte) \d+\..*)$"
)


@pytest.fixture(scope="module")
def printed(built, soffice, tmp_path_factory):
    """Print the dossier of a subject; returns its PDF."""
    folder = tmp_path_factory.mktemp("dossiers")

    @cache
    def _print(name):
        path, _ = dossier.write(built, folder / f"{name}.docx", SUBJECTS[name](built))
        (pdf,) = soffice(path, "pdf")
        return pdf

    return _print


@pytest.mark.parametrize(
    ("name", "least", "most"), [("epci", 3, 5), ("deux_communes", 3, 5), ("departement", 4, 7)]
)
def test_pages(printed, pages, pictures, name, least, most):
    texts, picture = pages
    pdf = printed(name)
    found = texts(pdf)
    assert least <= len(found) <= most
    for place, text in enumerate(found):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        assert re.search(rf"{place + 1}\s*/\s*{len(found)}$", lines[-1])
        assert not HEADINGS.match(lines[-2]), f"titre seul en bas de la page {place + 1}"
        picture(pdf, place, pictures / f"dossier_{name}_{place + 1}.png")


def test_tables_are_whole_or_repeat_their_header(printed, pages):
    texts, _ = pages
    found = texts(printed("epci"))
    with_towns = [
        text for text in found if re.search(r"^ *Saumur +26|La Lande-Chasles", text, re.M)
    ]
    assert len(with_towns) == 2  # 45 communes take more than a page
    assert all("Habitants" in text for text in with_towns)
    (compared,) = [text for text in found if "Indice de fragilité numérique   " in text]
    assert "80 ans ou plus vivant seuls" in compared


@pytest.mark.parametrize(
    ("theme", "suffix"), [("", ".png"), ("usages", ".png"), ("volume", ".png"), ("", ".pdf")]
)
def test_maps_for_slides(built, pages, pictures, tmp_path, theme, suffix):
    name = f"carte_{theme or 'indice'}"
    if suffix == ".pdf":
        write(built, tmp_path / "carte.pdf", choose(built, theme))
        texts, picture = pages
        (text,) = texts(tmp_path / "carte.pdf")
        assert "Indice de fragilité numérique — Maine-et-Loire (49)" in text
        picture(tmp_path / "carte.pdf", 0, pictures / f"{name}_pdf.png")
    else:
        write(built, pictures / f"{name}.png", choose(built, theme))
        assert (pictures / f"{name}.png").stat().st_size > 50_000
