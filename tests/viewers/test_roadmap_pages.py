"""The dossier of a roadmap as it is printed: pages of LibreOffice, pictured to be looked at."""

import re

import docx
import pytest

from fragilite import inventory
from fragilite.outputs import roadmap_dossier
from fragilite.pipeline import build
from fragilite.roadmap import load_scenario, study
from fragilite.territory import parse_territory

#: Territory, posts, pages at least and at most; one more page where Arial is replaced by a wider
#: font. A wide tolerance finds a plan in seconds: pages are what is looked at.
CASES = {
    "epci": (parse_territory(epci="200071876"), 3, 6, 8),
    "departement": (parse_territory(dept="49"), 8, 9, 12),
}


@pytest.mark.parametrize("name", CASES)
def test_pages(name, soffice, pages, pictures, tmp_path):
    territory, posts, least, most = CASES[name]
    found = build(territory, uncertainty=False)
    asked = {"postes": posts, "tolerance": 0.3}
    scenarios = [load_scenario(one).model_copy(update=asked) for one in ("volume", "intensite")]
    shared = study(found, inventory.of_bundle(found), scenarios, seconds=20, draws=3)
    path = tmp_path / f"feuille_de_route_{name}.docx"
    roadmap_dossier.write(shared, path)
    (pdf,) = soffice(path, "pdf")
    texts, picture = pages
    printed = texts(pdf)
    assert least <= len(printed) <= most
    alone = titles(path)
    for place, text in enumerate(printed):
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        assert re.search(rf"{place + 1} ?/ ?{len(printed)}$", lines[-1])
        assert lines[-2] not in alone, f"titre seul en bas de la page {place + 1}"
        picture(pdf, place, pictures / f"{path.stem}_{place + 1}.png")


def titles(path):
    """Texts that must be on the page of what follows."""
    return {
        " ".join(one.text.replace("\u202f", " ").replace("\xa0", " ").split())
        for one in docx.Document(str(path)).paragraphs
        if one.style.name.startswith("Heading") or one.style.name == "Caption"
    }
