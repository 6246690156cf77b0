"""The index of Maine-et-Loire against independent figures, and the contract of the columns."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fragilite.cog import codes_of
from fragilite.dictionary import dictionary
from fragilite.errors import FragiliteError, SourceUnavailableError, UsageError
from fragilite.ingestion.bundled import home_of
from fragilite.ingestion.options import Options
from fragilite.pipeline import _checked, build
from fragilite.summary import _zero_remarks
from fragilite.table import Statut
from fragilite.territory import parse_territory

#: Worked out independently: with the share of 80 or over living alone as observed (method 1.0).
OBSERVED = {
    "La Pellerine": 66.3,
    "Noyant-Villages": 63.8,
    "Montsoreau": 61.2,
    "Saumur": 54.8,
    "Orée d'Anjou": 39.5,
    "Angers": 34.2,
}
#: With that share smoothed (method 1.1): it moves the index of villages, not of towns.
SMOOTHED = OBSERVED | {"La Pellerine": 62.2, "Noyant-Villages": 63.6, "Montsoreau": 58.1}


def without_smoothing(path):
    from fragilite.method import method_text

    text = method_text("fragilite-2026").decode()
    start = text.index("[indicateurs.part_80_plus_vivant_seuls.lissage]")
    path.write_text(text[:start] + text[text.index("\n# --- Le contexte", start) :], "utf-8")
    return path


def test_indices_worked_out_independently(tmp_path):
    plain = build("49", method=without_smoothing(tmp_path / "m.toml"), uncertainty=False)
    index = plain.communes.set_index("nom")["indice"]
    for nom, value in OBSERVED.items():
        assert index[nom] == pytest.approx(value, abs=0.1), nom


@pytest.mark.parametrize(("nom", "value"), SMOOTHED.items())
def test_indices_with_small_numbers_smoothed(built, nom, value):
    index = built.communes.set_index("nom")["indice"]
    assert index[nom] == pytest.approx(value, abs=0.1)


def test_smoothing_worked_out_by_hand(built):
    """La Pellerine, in CC Baugeois Vallée (7 communes, under 8): towards the département.

    m = ln[(r+½)/(n−r+½)], s² = (n+1)(n+2)/[n(r+1)(n−r+1)], on every commune of 49 that is known.
    """
    rp = built.inputs.tables["insee_rp", "2022"].values[["pop", "pop_80_plus_vivant_seuls"]]
    n, r = (rp.dropna()[name] for name in ("pop", "pop_80_plus_vivant_seuls"))
    m = np.log((r + 0.5) / (n - r + 0.5))
    s2 = (n + 1) * (n + 2) / (n * (r + 1) * (n - r + 1))
    tau2 = m.var() - s2.mean()
    target = np.log((r.sum() + 0.5) / (n.sum() - r.sum() + 0.5))
    weight = tau2 / (tau2 + s2["49237"])
    smoothed = weight * m["49237"] + (1 - weight) * target
    row = built.communes.set_index("code_insee").loc["49237"]
    assert row["part_80_plus_vivant_seuls_lisse"] == pytest.approx(100 / (1 + np.exp(-smoothed)))
    assert row["part_80_plus_vivant_seuls"] > row["part_80_plus_vivant_seuls_lisse"]
    score = 100 * (row["part_80_plus_vivant_seuls_lisse"] - 0.8) / (5.3 - 0.8)
    assert row["part_80_plus_vivant_seuls_score"] == pytest.approx(min(score, 100))


def test_every_commune_of_2026_has_an_index(built):
    codes = set(built.communes["code_insee"])
    assert codes == {code for code in codes_of(2026) if code.startswith("49")}
    assert len(codes) == 176
    assert built.communes["indice"].notna().all()


def test_oree_d_anjou_stands_on_85_percent(built):
    row = built.communes.set_index("code_insee").loc["49126"]
    assert row["completude"] == pytest.approx(0.85)
    assert row["completude_methode"] == pytest.approx(0.725)
    assert row["part_80_plus_vivant_seuls_statut"] == "absent"
    assert "part_80_plus_vivant_seuls" not in row["indicateurs_scores"].split("|")


def test_contributions_add_up(built):
    columns = [f"{code}_contribution" for code in built.method.indicateurs]
    total = built.communes[columns].sum(axis=1)
    assert (total - built.communes["indice"]).abs().max() < 1e-9


def test_old_4g_is_shown_and_not_scored(built):
    table = built.communes
    assert built.withdrawn == ["part_surface_sans_4g"]
    assert (table["part_surface_sans_4g_statut"] == "millesime_ancien").all()
    assert table["part_surface_sans_4g"].notna().all()
    assert table["part_surface_sans_4g_score"].isna().all()
    assert (table["part_surface_sans_4g_millesime"] == "2019_T3").all()
    mouliherne = table.set_index("nom").loc["Mouliherne"]
    assert mouliherne["part_surface_sans_4g"] > 80  # where four operators had a site in 2026
    assert mouliherne["operateurs_4g"] == 4


def test_the_reference_year_goes_back_as_far_as_no_commune_moved():
    assert build("49", annee=2025).withdrawn == ["part_surface_sans_4g"]
    with pytest.raises(UsageError, match="2024 demandé, possible pour 2025, 2026"):
        build("49", annee=2024)


def test_intensity_and_volume_are_two_readings(built):
    table = built.communes.set_index("nom")
    assert table["rang_volume"]["Angers"] == 1
    assert table["classe_libelle"]["Angers"] == "fragilité faible"
    assert table["personnes_a_accompagner"].sum() == pytest.approx(108_000, rel=0.005)
    assert (table["personnes_a_accompagner_statut"] == "estime").all()
    last = table.sort_values("rang_volume")["part_cumulee_personnes"].iloc[-1]
    assert last == pytest.approx(100)


def test_merged_and_renumbered_communes_keep_their_figures(built):
    """4G of 2019 came under 49069, 49160 and 49321; the median of 2021 under 49069."""
    table = built.inputs.tables["arcep_4g", "2019_T3"]
    area = table.values["surface_km2"]
    outlines = built.inputs.contours().area / 1e6
    assert area["49160"] == pytest.approx(outlines["49160"], abs=0.01)
    assert area["49126"] == pytest.approx(outlines["49126"], abs=0.01)
    assert built.inputs.tables["insee_filosofi", "2021"].values.notna().any(axis=1)["49126"]


def test_partial_epci_has_no_value(built):
    row = built.epci.set_index("nom_epci").loc["CC du Pays d'Ancenis"]
    assert row["remarque"] == "EPCI partiel : 1 commune sur 20"
    assert pd.isna(row["indice"])
    assert pd.isna(row["rang"])
    assert pd.isna(row["personnes_a_accompagner"])
    whole = built.epci[built.epci["remarque"] == ""]
    assert len(whole) == 9
    assert whole["indice"].notna().all()
    # Ingrandes-le-Fresne is still a commune of the build, in the rank of communes.
    assert "49160" in set(built.communes["code_insee"])


def test_flags_of_epci_are_yes_no_or_missing(built):
    flags = built.epci.set_index("code_epci")["part_65_plus_sature"]
    assert flags.dtype == "boolean"
    assert flags.index[flags.isna()].tolist() == ["244400552"]  # the one that is not whole
    assert not flags.dropna().any()


def test_epci_is_recomputed_from_sums(built):
    """CC Baugeois Vallée, 65 or over: sum of the seven communes over the sum of their people."""
    rp = built.inputs.tables["insee_rp", "2023"].values
    members = built.communes.loc[built.communes["code_epci"] == "244900882", "code_insee"]
    expected = 100 * rp.loc[members, "pop_65_plus"].sum() / rp.loc[members, "pop"].sum()
    row = built.epci.set_index("code_epci").loc["244900882"]
    assert row["part_65_plus"] == pytest.approx(expected)
    assert row["niveau_de_vie_relatif_statut"] == "estime"


def test_epci_with_a_missing_commune_is_estimated(built):
    row = built.epci.set_index("nom_epci").loc["CA Mauges Communauté"]
    assert row["part_80_plus_vivant_seuls_statut"] == "estime"
    assert row["part_80_plus_vivant_seuls_regle"] == "5 communes connues sur 6"


def test_columns_are_the_contract(built):
    fixed = [
        "code_insee", "nom", "code_epci", "nom_epci", "code_departement", "nom_departement",
        "code_region", "nom_region", "population", "indice", "fragilite_reseau",
        "fragilite_usages", "fragilite_competences", "fragilite_sociale", "classe",
        "classe_libelle", "classe_usages", "rang", "rang_sur", "personnes_a_accompagner",
        "personnes_a_accompagner_statut", "rang_volume", "part_cumulee_personnes",
        "completude", "completude_methode", "indicateurs_scores",
    ]  # fmt: skip
    names = list(built.communes.columns)
    assert names[: len(fixed)] == fixed
    place = len(fixed)
    suffixes = ["", "_score", "_contribution", "_statut", "_regle", "_sature", "_millesime"]
    for code, indicator in built.method.indicateurs.items():
        expected = [code + suffix for suffix in suffixes]
        if indicator.lissage:
            expected.insert(1, f"{code}_lisse")
        assert names[place : place + len(expected)] == expected
        place += len(expected)
    for code in [*built.method.contexte, *built.method.effectifs]:
        assert names[place : place + 4] == [
            code,
            f"{code}_statut",
            f"{code}_regle",
            f"{code}_millesime",
        ]
        place += 4
    assert names[place:] == [
        "iris_min", "iris_max", "part_iris_4_5",
        "rang_median", "rang_min_90", "rang_max_90", "proba_premier_cinquieme",
        "part_scenarios_premier_cinquieme", "lecture",
    ]  # fmt: skip
    assert all(name.isascii() and name == name.lower() for name in names)


def test_every_column_is_in_the_dictionary(built):
    columns = {column.nom: column for column in dictionary(built.method)}
    for table in (built.communes, built.epci):
        for name in table.columns:
            column = columns[name]
            assert column.libelle
            assert column.description
            assert column.source
            if column.type == "number":
                assert column.unite, name


def test_values_respect_the_bounds_of_the_dictionary(built):
    for column in built.columns.values():
        if column.nom in built.communes and column.minimum is not None:
            values = built.communes[column.nom].dropna()
            assert (values >= column.minimum - 1e-9).all(), column.nom
            if column.maximum is not None:
                assert (values <= column.maximum + 1e-9).all(), column.nom


def test_a_status_says_why_a_value_is_missing(built):
    for code, figure in built.result.figures.items():
        missing = built.communes[code].isna().to_numpy()
        hidden = (figure.statuts >= Statut.SECRET).to_numpy()
        assert (missing == hidden).all(), code
        estimated = (figure.statuts == Statut.ESTIME).to_numpy()
        assert (figure.regles[estimated] != "").all(), code


def test_secret_poverty_rates_stay_secret(built):
    data = built.inputs
    statuts = data.tables["insee_filosofi", "2021"].statuts["taux_pauvrete"]
    assert (statuts == Statut.SECRET).sum() == 118
    tidy = data.tidy()
    secret = tidy[(tidy["variable"] == "taux_pauvrete") & (tidy["statut"] == "secret")]
    assert len(secret) == 118
    assert secret["valeur"].isna().all()


def test_tidy_has_one_row_per_commune_variable_and_vintage(built):
    tidy = built.inputs.tidy()
    assert not tidy.duplicated(["code_insee", "variable", "source", "millesime"]).any()
    assert set(tidy["statut"]) <= {statut.name.lower() for statut in Statut}


def test_departement_without_figures(tmp_path):
    with pytest.raises(SourceUnavailableError, match="--offline"):
        build("35", options=Options(raw=tmp_path, offline=True, quiet=True))


def test_an_epci_that_the_bundle_holds_whole_needs_no_file(built):
    """CC Baugeois Vallée, scored as in the département; CC du Pays d'Ancenis is elsewhere."""
    alone = build(parse_territory(epci="244900882")).communes.set_index("code_insee")
    there = built.communes.set_index("code_insee").loc[alone.index]
    assert len(alone) == 7
    np.testing.assert_allclose(alone["indice"], there["indice"], rtol=1e-12)
    assert alone["lecture"].ne("").all()
    assert home_of(parse_territory(epci="244400552")) == ""
    assert home_of(parse_territory("44,49")) == ""


def test_unknown_departement():
    with pytest.raises(UsageError, match="inconnu"):
        build("2C")


def test_formula_cells_are_refused():
    with pytest.raises(FragiliteError, match="commence comme une formule"):
        _checked(pd.DataFrame({"nom": ["Angers", "=SOMME(A1)"]}))


def test_a_method_that_scores_another_set_warns_about_its_classes(built, tmp_path):
    from fragilite.method import method_text
    from fragilite.summary import remarks

    text = method_text("fragilite-2026").decode().replace("valeur = 5\n", "valeur = 10\n", 1)
    path = tmp_path / "longue.toml"
    path.write_text(text, encoding="utf-8")
    longer = build("49", method=path)
    assert longer.withdrawn == []
    assert any("figées avec d'autres indicateurs" in line for line in remarks(longer))
    assert not any("figées" in line for line in remarks(built))


def test_places_in_epci(built):
    table = built.communes.set_index("code_insee")
    there = table[table["code_epci"] == "200071876"]
    order = there["indice"].sort_values(ascending=False).index.tolist()
    places = built.places_in_epci.loc[order]
    assert places["rang"].tolist() == list(range(1, 46))
    assert set(places["sur"]) == {45}
    alone = table.index[table["code_epci"] == "244400552"]  # 1 commune of 20 is in Maine-et-Loire
    assert len(alone) == 1
    assert built.places_in_epci.loc[alone].isna().all(axis=None)


def test_a_csv_that_loses_a_zero_says_so():
    excel, plain = [Path("fragilite_01_excel.csv")], [Path("fragilite_01.csv")]
    (said,) = _zero_remarks(pd.Series(["49007", "01001"]), excel)
    assert "montre 1001 pour 01001" in said
    assert _zero_remarks(pd.Series(["01001"]), plain) == []
    assert _zero_remarks(pd.Series(["49007"]), excel) == []


def test_an_epci_that_lies_elsewhere_too_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAGILITE_DATA", str(tmp_path))
    with pytest.raises(SourceUnavailableError) as caught:
        build(parse_territory(epci="244400552"), options=Options(offline=True))
    assert caught.value.message.startswith("CC du Pays d'Ancenis a 19 communes hors du 49")


def test_an_epci_has_its_name():
    alone = build(parse_territory(epci="200071876"), uncertainty=False)
    assert alone.inputs.territory.libelle == "CA Saumur Val de Loire"
    assert alone.nom == "fragilite_epci-200071876"


def test_the_rates_of_the_volume_travel_with_it(built):
    people = built.columns["personnes_a_accompagner"]
    assert "62 % (75 ans ou plus)" in people.description
    assert people.source.endswith("d'après Insee Première n° 1953, enquête TIC-ménages 2021")
