"""What changed: intervals worked by hand, breaks, decomposition, and what the command says."""

import csv
import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_builds import alone, empty, far_apart, renamed, unmapped
from publishers import lay_out_fibre

from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.indicators import Figure
from fragilite.ingestion import bundled
from fragilite.ingestion.bundled import bundled_earlier_lots
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.options import Options
from fragilite.ingestion.series import earlier_tables
from fragilite.method import load_method
from fragilite.robustness.records import Noise
from fragilite.territory import parse_territory
from fragilite.trend import BAISSE, COLUMNS, HAUSSE, LECTURES, RIEN, SANS_ANTERIEUR, trend
from fragilite.trend.breaks import load_comparisons, reason_to_stop
from fragilite.trend.index import moved_index, part_of
from fragilite.trend.interval import Ends, difference, group_ends, share_ends
from fragilite.trend.report import commune_facts, facts, render, render_commune
from fragilite.trend.tidy import reading

TIDY = ["code_insee", "nom", *COLUMNS]


def share(counted, people):
    """A share of the census, as a figure."""
    counts = pd.DataFrame({"numerateur": counted, "denominateur": people}, dtype=np.float64)
    values = 100 * counts["numerateur"] / counts["denominateur"]
    nothing = pd.Series("", index=counts.index)
    return Figure(values, pd.Series(0, index=counts.index), nothing, "2023", counts)


def ends(counted, people, inhabitants, **noise):
    where = pd.Series(inhabitants, dtype=np.float64)
    return share_ends("x", share(counted, people), Noise(**noise), where)


def of(table, figure, avant):
    return table[(table["indicateur"] == figure) & (table["millesime_avant"] == avant)]


@pytest.fixture(scope="module")
def found(built):
    return trend(built)


# --- the interval --------------------------------------------------------------------------------


def test_change_of_a_share_worked_by_hand():
    """100 then 80 people of 200, in a village: no survey, only the chance of small numbers.

    p̃ = 100.5/201 = 0.5, V = 0.25/200, spread √V/0.25 = 0.14142: logit 0 ± 1.64485 · 0.14142.
    p̃ = 80.5/201 = 0.40050, spread 0.14431: logit −0.40339 ± 0.23737.
    Bounds of the difference, in points: −10 − √(5.493² + 5.789²), −10 + √(5.859² + 5.789²).
    """
    before, after = ends([100], [200], [400]), ends([80], [200], [400])
    assert before.low[0] == pytest.approx(44.211, abs=1e-3)
    assert before.high[0] == pytest.approx(55.789, abs=1e-3)
    assert after.low[0] == pytest.approx(34.507, abs=1e-3)
    assert after.high[0] == pytest.approx(45.859, abs=1e-3)
    change = difference(before, after)
    assert change.value[0] == pytest.approx(-10)
    assert change.low[0] == pytest.approx(-10 - math.hypot(5.493, 5.789), abs=2e-3)
    assert change.high[0] == pytest.approx(-10 + math.hypot(5.859, 5.789), abs=2e-3)
    assert reading(change, 1).tolist() == [BAISSE]


def test_noise_alone_is_no_change():
    """Four points among 200 people are within what chance does; among 20 000, they are not."""
    few = difference(ends([100], [200], [400]), ends([92], [200], [400]))
    many = difference(ends([10_000], [20_000], [9_000]), ends([9_200], [20_000], [9_000]))
    assert reading(few, 1).tolist() == [RIEN]
    assert reading(many, 1).tolist() == [BAISSE]


def test_a_survey_is_wider_than_a_count():
    """From 10 000 inhabitants: c = 1.5 · 0.6 / 0.4 = 2.25, so that V is 3.25 times as large."""
    counted, surveyed = ends([5000], [10_000], [9_999]), ends([5000], [10_000], [10_000])
    ratio = (surveyed.high - surveyed.low)[0] / (counted.high - counted.low)[0]
    assert ratio == pytest.approx(math.sqrt(3.25), rel=1e-3)
    alone = ends([5000], [10_000], [9_999], modele="sondage")
    assert (alone.low[0], alone.high[0]) == pytest.approx((50, 50))


def test_nobody_has_an_interval_too():
    """0 % of 40 people: the lower bound is 0 itself, and the upper one is not."""
    nobody = ends([0], [40], [400])
    assert nobody.low[0] == 0
    assert 1 < nobody.high[0] < 20
    missing = ends([np.nan], [40], [400])
    assert np.isnan(missing.value[0])


def test_interval_of_a_group_is_that_of_its_sum():
    """Two villages alike: V of the group is half of theirs."""
    figure, people = share([50, 50], [100, 100]), pd.Series([200.0, 200.0])
    grouped = share([100], [200])
    columns = grouped.values, grouped.statuts, grouped.regles
    named = (one.set_axis(["g"]) for one in columns)
    grouped = Figure(*named, "2023", grouped.parts.set_axis(["g"]))
    groups = pd.Series(["g", "g"])
    together = group_ends("x", grouped, figure, Noise(), people, groups)
    alone = ends([100], [200], [400])
    assert together.low["g"] == pytest.approx(alone.low[0], abs=0.05)
    assert together.high["g"] == pytest.approx(alone.high[0], abs=0.05)


counts = st.tuples(st.integers(0, 300), st.integers(0, 300)).map(
    lambda pair: (min(pair), max(*pair, 1))
)


@given(counts, counts)
def test_intervals_hold_their_change(before, after):
    one, other = ends([before[0]], [before[1]], [500]), ends([after[0]], [after[1]], [500])
    there, back = difference(one, other), difference(other, one)
    assert there.low[0] <= there.value[0] <= there.high[0]
    assert there.low[0] >= -100 - 1e-9
    assert there.high[0] <= 100 + 1e-9
    assert there.low[0] == pytest.approx(-back.high[0])
    said, reverse = reading(there, 1)[0], reading(back, 1)[0]
    assert {said, reverse} in ({HAUSSE, BAISSE}, {RIEN})


# --- what is comparable --------------------------------------------------------------------------


@pytest.mark.parametrize("rupture", load_comparisons().ruptures, ids=lambda one: one.raison[:30])
def test_each_break_stops_with_its_reason(rupture):
    names = rupture.variables or list(load_sources()[rupture.source].variables)
    for name in names:
        variables = [name.replace("*", "x")]
        before, after = rupture.avant or "2012", rupture.apres or "2023"
        assert reason_to_stop(rupture.source, variables, before, after) == rupture.raison
        earlier, later = str(int(before[:4]) - 6), str(int(after[:4]) + 6)
        assert rupture.stops(rupture.source, variables, earlier, later)
    if rupture.avant:
        # Both after the break, and after any other: nothing to say.
        assert not rupture.stops(rupture.source, variables, after, later)
        assert not reason_to_stop(rupture.source, variables, "2040", "2050")
    assert rupture.reference


def test_breaks_of_the_catalogue_name_its_variables():
    for rupture in load_comparisons().ruptures:
        known = set(load_sources()[rupture.source].variables)
        assert all("*" in name or name in known for name in rupture.variables)


@pytest.mark.parametrize(
    ("before", "after", "stops"),
    [("2017", "2022", False), ("2018", "2022", True), ("2022", "2023", True)],
)
def test_vintages_that_share_surveys_do_not_compare(before, after, stops):
    reason = reason_to_stop("insee_rp", ["pop", "pop_65_plus"], before, after)
    assert bool(reason) == stops
    if stops:
        assert "enquêtes en commun" in reason


def test_incomes_are_never_compared_across_the_break(found):
    rows = found.communes[found.communes["indicateur"] == "niveau_de_vie_relatif"]
    assert set(rows["millesime_avant"]) == {"2021"}
    assert rows["changement"].isna().all()
    assert rows["valeur_avant"].isna().all()
    assert rows["raison"].str.contains("Filosofi 2023").all()


def test_households_wait_for_a_noise_that_is_declared():
    assert "complémentaire" in reason_to_stop("insee_rp", ["menages_une_personne"], "2012", "2023")


def test_earlier_figures_have_their_provenance():
    lots = bundled_earlier_lots("49")
    folder = Path(bundled.__file__).parents[1] / "bundled/49"
    present = {f"anterieurs/{path.name}" for path in (folder / "anterieurs").iterdir()}
    assert {lot.fichier for lot in lots} == present
    for lot, table in bundled.earlier_tables("49"):
        content = (folder / lot.fichier).read_bytes()
        assert lot.sha256 == hashlib.sha256(content).hexdigest()
        assert set(table.values) <= set(lot.record.variables)
        assert len(table.values) == 176
        assert table.values.index.str.startswith("49").all()
        assert lot.millesime in load_sources()["insee_rp"].millesimes[0].series


# --- Maine-et-Loire ------------------------------------------------------------------------------


def test_tables_are_tidy(found, built):
    assert list(found.communes.columns) == TIDY
    assert list(found.groupes.columns) == ["niveau", "code", "nom", *COLUMNS]
    for table in (found.communes, found.groupes):
        said = table["lecture"] != ""
        assert set(table.loc[said, "lecture"]) <= set(LECTURES)
        assert (table.loc[~said, "raison"] != "").all()
        assert table.loc[~said, "changement"].isna().all()
        known = table[said]
        assert (known["min_90"] <= known["changement"]).all()
        assert (known["changement"] <= known["max_90"]).all()
        gap = known["valeur_apres"] - known["valeur_avant"] - known["changement"]
        assert gap.abs().max() < 1e-9
    assert (found.communes.groupby(["indicateur", "millesime_avant"]).size() == 176).all()


def test_columns_are_those_declared(found, built):
    assert list(load_comparisons().colonnes) == TIDY


def test_one_comparison_at_a_time(found):
    rows = found.change("part_sans_bac")
    assert set(rows["millesime_avant"]) == {"2017"}
    assert len(rows) == 176
    assert found.change("part_sans_bac", "2017").equals(rows)
    assert found.change("part_65_plus").empty
    assert found.change("niveau_de_vie_relatif").empty


def test_diplomas_of_the_departement(found, bundled_49):
    """57.0 % to 50.9 %, from sums."""
    levels = ["sans_diplome", "brevet", "cap_bep"]
    expected = []
    for name in ("anterieurs/insee_rp_2017.csv", "insee_rp_2023.csv"):
        table = bundled_49(name)
        expected.append(100 * table[levels].sum().sum() / table["non_scolarises_15_plus"].sum())
    assert expected == pytest.approx([57.018, 50.875], abs=1e-3)
    rows = of(found.groupes, "part_sans_bac", "2017")
    row = rows[rows["niveau"] == "departement"].iloc[0]
    assert [row["valeur_avant"], row["valeur_apres"]] == pytest.approx(expected)
    assert row["lecture"] == BAISSE
    assert set(rows["code"]) >= {"49", "200060010"}
    assert "244400552" not in set(rows["code"])  # one commune of twenty is in 49


def test_a_commune_worked_by_hand(found, bundled_49):
    """Mouliherne: counted in full, so that its noise is that of small numbers."""
    shares = []
    for name in ("anterieurs/insee_rp_2017.csv", "insee_rp_2023.csv"):
        row = bundled_49(name).loc["49221"]
        people = row["non_scolarises_15_plus"]
        counted = row[["sans_diplome", "brevet", "cap_bep"]].sum()
        middle = (counted + 0.5) / (people + 1)
        spread = 1.6448536 / math.sqrt(people * middle * (1 - middle))
        logit = math.log(middle / (1 - middle))
        low, high = (100 / (1 + math.exp(-logit - side * spread)) for side in (-1, 1))
        shares.append((100 * counted / people, low, high))
    (b, b_low, b_high), (a, a_low, a_high) = shares
    row = of(found.communes, "part_sans_bac", "2017").set_index("code_insee").loc["49221"]
    assert row["changement"] == pytest.approx(a - b)
    assert row["min_90"] == pytest.approx(a - b - math.hypot(a - a_low, b_high - b))
    assert row["max_90"] == pytest.approx(a - b + math.hypot(a_high - a, b - b_low))


def test_the_index_today_is_that_of_the_build(found, built):
    rows = of(found.communes, "indice", "2017").set_index("code_insee")
    today = built.communes.set_index("code_insee")["indice"]
    assert (rows["valeur_apres"] - today).abs().max() < 1e-9
    assert rows["raison"].str.contains("tenus à leur valeur d'aujourd'hui").all()
    assert found.tenus["2017"] == [
        code for code in built.result.scores.scored if code != "part_sans_bac"
    ]


def test_parts_add_up_to_the_change(found):
    parts = found.parts.set_index("code_insee")
    change = of(found.communes, "indice", "2017").set_index("code_insee")["changement"]
    total = parts[["vieillissement", "scolarite", "reste"]].sum(axis=1)
    assert (total - change).abs().max() < 1e-9
    assert (parts["scolarite"] - change).abs().max() < 1e-9  # the only one that is known then
    for level in ("epci", "departement"):
        moved = found.indices_groupes[level, "2017"]
        gap = moved.parts.sum(axis=1) - moved.nodes["indice"].value
        assert gap.abs().max() < 1e-9


def test_unknown_vintage_names_those_at_hand(built):
    with pytest.raises(UsageError, match=r"2015.*2017 et 2012"):
        trend(built, "2015")


def test_one_vintage_only(built):
    found = trend(built, "2012")
    compared = {pair.code for pair in found.comparaisons if not pair.raison}
    assert compared == {"taux_chomage"}
    assert not found.indices
    assert found.parts.empty
    assert "pas de valeur de 2012" in {p.code: p.raison for p in found.comparaisons}["part_65_plus"]


def test_nothing_older_at_hand(built, monkeypatch):
    monkeypatch.setattr("fragilite.trend.past.earlier_tables", lambda *_: ([], []))
    newest = {
        key: one for key, one in built.inputs.tables.items() if key[1] not in {"2021", "2022"}
    }
    alone = replace(built, inputs=replace(built.inputs, tables=newest))
    with pytest.raises(SourceUnavailableError, match=r"Maine-et-Loire.*fragilite fetch insee_rp"):
        trend(alone)


@pytest.mark.parametrize("odd", [alone, far_apart, empty, renamed, unmapped])
def test_odd_builds(built, odd):
    """A build cut to one commune, without any score, with awkward names: no table breaks."""
    found = trend(odd(built))
    here = len(found.build.inputs.communes)
    assert (found.communes.groupby(["indicateur", "millesime_avant"]).size() == here).all()
    assert "Ce qui ne se compare pas" in render(facts(found))
    code = found.build.inputs.communes.index[0]
    assert code in render_commune(commune_facts(found, code))


# --- the index -----------------------------------------------------------------------------------

MOVED = ("part_65_plus", "part_sans_bac", "part_80_plus_vivant_seuls")


@settings(max_examples=5)
@given(st.integers(0, 10_000), st.floats(0, 8))
def test_decomposition_adds_up_whatever_moves(seed, width):
    draw = np.random.default_rng(seed)
    method = load_method()
    codes = [code for code in method.indicateurs if code != "part_surface_sans_4g"]
    now = pd.DataFrame(draw.uniform(0, 60, (50, len(codes))), columns=codes)
    now["niveau_de_vie_relatif"] += 70
    now = now.mask(draw.random(now.shape) < 0.05)
    before = pd.DataFrame(draw.uniform(0, 60, (50, len(MOVED))), columns=list(MOVED))
    before = before.mask(now[list(MOVED)].isna())

    def bounds(values, *chosen):
        return {c: Ends(values[c], values[c] - width, values[c] + width) for c in chosen}

    moved = moved_index(now, bounds(before, *MOVED), bounds(now, *MOVED), method, {})
    change = moved.nodes["indice"]
    known = change.value.notna()
    assert known.sum() > 25
    assert (moved.parts.sum(axis=1) - change.value)[known].abs().max() < 1e-9
    assert (moved.parts["reste"][known] == 0).all()
    assert (change.low <= change.value)[known].all()
    assert (change.value <= change.high)[known].all()
    assert "reseau" not in moved.nodes
    # All else being equal, each part is what it would bring alone.
    school = bounds(before, "part_sans_bac"), bounds(now, "part_sans_bac")
    alone = moved_index(now, *school, method, {})
    assert (alone.parts["scolarite"] - moved.parts["scolarite"])[known].abs().max() < 1e-9


def test_interval_of_the_index_worked_by_hand():
    """Below the bac: weight 0.25 · … of the index, 46.4 points of % for 100: no clipping here.

    Without 4G the network is fibre alone; below the bac weighs 0.75 · 0.6 · 0.5 = 0.225. Ten points
    of % are 21.55 points of score, so 4.849 of the index; bounds 2 away on both sides move it by
    0.9698 each: √2 · 0.9698 = 1.3715.
    """
    method = load_method()
    now = pd.DataFrame(
        {"part_locaux_sans_fibre": [5.0], "part_65_plus": [20.0], "part_sans_bac": [40.0],
         "niveau_de_vie_relatif": [100.0], "part_80_plus_vivant_seuls": [2.0]}
    )  # fmt: skip

    def bounds(value):
        return {"part_sans_bac": Ends(*(pd.Series([value + side]) for side in (0, -2.0, 2.0)))}

    change = moved_index(now, bounds(50.0), bounds(40.0), method, {}).nodes["indice"]
    assert change.value[0] == pytest.approx(-0.225 * 1000 / 46.4)
    assert change.high[0] - change.value[0] == pytest.approx(0.225 * 200 / 46.4 * math.sqrt(2))
    assert change.value[0] - change.low[0] == pytest.approx(0.225 * 200 / 46.4 * math.sqrt(2))


def test_a_figure_missing_then_leaves_no_index():
    method = load_method()
    now = pd.DataFrame({code: [20.0, 20.0] for code in MOVED} | {
        "niveau_de_vie_relatif": [100.0, 100.0], "part_locaux_sans_fibre": [5.0, 5.0]})  # fmt: skip
    then = pd.Series([30.0, np.nan])
    moved = moved_index(
        now, {"part_sans_bac": Ends.exact(then)},
        {"part_sans_bac": Ends.exact(now["part_sans_bac"])}, method, {},
    )  # fmt: skip
    assert moved.nodes["indice"].value.isna().tolist() == [False, True]
    assert moved.parts.isna().all(axis=1).tolist() == [False, True]


def test_each_indicator_has_one_part():
    method = load_method()
    parts = {code: part_of(method, code) for code in method.indicateurs}
    assert parts == {
        "part_locaux_sans_fibre": "reste", "part_surface_sans_4g": "reste",
        "part_65_plus": "vieillissement", "part_sans_bac": "scolarite",
        "niveau_de_vie_relatif": "reste", "part_80_plus_vivant_seuls": "vieillissement",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["ifn-2023", "ifn-2020", "fragilite-2026-sans-reseau"])
def test_other_methods(name):
    from fragilite.pipeline import build

    found = trend(build("49", method=name, uncertainty=False))
    root = found.build.method.root
    rows = of(found.communes, root, "2017")
    gap = (
        rows.set_index("code_insee")["changement"]
        - found.parts.set_index("code_insee")["changement"]
    )
    assert gap.abs().max() < 1e-9


# --- the publishers' own files -------------------------------------------------------------------


def test_series_of_the_melodi_files(shared_data, bundled_49, tmp_path):
    """RP 2017 and 2012, held in the files of RP 2023, are those that travel with the program."""
    for path in (shared_data / "reconstructed/melodi_49").glob("*.zip"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    options = Options(raw=tmp_path, offline=True, quiet=True)
    lots, notes = earlier_tables(parse_territory("49"), options, {"insee_rp": "2023"})
    assert notes == []
    assert [lot.millesime for lot, _ in lots] == ["2017", "2012"]
    for lot, table in lots:
        expected = bundled_49(f"anterieurs/insee_rp_{lot.millesime}.csv")
        known = table.values[list(expected)].loc[expected.index]
        assert (known - expected).abs().max().max() < 1e-6
        assert table.cog == 2026
        assert lot.donnees_au == f"{lot.millesime}-01-01"


def test_network_by_quarter(built, tmp_path):
    """An older quarter dropped in the folder: fibre is counted in full, its change is exact."""
    place = tmp_path / "arcep_fixe/2024_T1/commune_meilleure_techno_thd.csv"
    place.parent.mkdir(parents=True)
    premises = built.inputs.tables["arcep_fixe", "2026_T2"].values[
        ["locaux", "locaux_ftth", "locaux_cable"]
    ]
    premises = premises.assign(locaux_ftth=(premises["locaux_ftth"] * 0.9).round())
    lay_out_fibre(tmp_path / "miroir", premises)
    (written,) = (tmp_path / "miroir").rglob(place.name)
    written.replace(place)
    older = replace(built, options=Options(raw=tmp_path, offline=True, quiet=True))
    rows = trend(older, "2024_T1").change("part_locaux_sans_fibre")
    assert (rows["min_90"] == rows["max_90"]).all()
    assert rows.loc["49007", "lecture"] == BAISSE
    assert rows.loc["49007", "changement"] == pytest.approx(-9.73, abs=0.01)
    assert rows.loc["49126", "millesime_apres"] == "2026_T2"  # 49069 then
    assert rows["lecture"].ne("").all()


# --- the command ---------------------------------------------------------------------------------


def test_command_says_what_changed_and_what_cannot_be_said(run, tmp_path):
    out = tmp_path / "changement.csv"
    code, text, err = run("trend", "--dept", "49", "-o", out)
    assert code == 0, err
    plain = " ".join(text.split())
    assert (
        "57,0 % en 2017, 50,9 % en 2023, soit −6,1 points [−6,4 ; −5,9] : baisse"
        in plain.replace("\u00a0", " ")
    )
    assert "Communes : 0 en hausse, 147 en baisse, 29 sans changement démontré." in plain
    assert "Ce n'est pas l'indice de 2017" in plain
    assert "Ce qu'y apportent le vieillissement et le reste n'est pas mesuré ici." in plain
    assert "Filosofi 2023" in plain
    assert "par hasard" in plain
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert list(rows[0]) == TIDY
    assert run("trend", "--dept", "49", "-o", tmp_path / "encore.csv")[0] == 0
    assert (tmp_path / "encore.csv").read_bytes() == out.read_bytes()
    assert run("trend", "--dept", "49", "-o", out)[0] == 2  # not replaced


def test_command_on_one_commune(run, tmp_path):
    out = tmp_path / "mouliherne.csv"
    code, text, _ = run("trend", "--dept", "49", "--commune", "Mouliherne", "-o", out)
    assert code == 0
    assert "49221 Mouliherne, CA Saumur Val de Loire" in text
    assert "pas de changement démontré" in " ".join(text.split())
    assert {row["code_insee"] for row in csv.DictReader(out.open(encoding="utf-8"))} == {"49221"}
    code, text, _ = run("trend", "--dept", "49", "--commune", "Champtoceaux", "--json")
    facts = json.loads(text)
    assert facts["commune"]["nom"] == "Orée d'Anjou"
    index = facts["indice"][0]
    parts = [one["points"] for one in index["parts"] if one["points"] is not None]
    assert sum(parts) == pytest.approx(index["changement"])
    assert next(one["points"] for one in index["parts"]) is None  # ageing is not measured here


def test_json_of_a_territory(run):
    facts = json.loads(run("trend", "--dept", "49", "--json")[1])
    assert [one["code"] for one in facts["comparaisons"]] == [
        "part_sans_bac", "part_sans_diplome", "taux_chomage",
    ]  # fmt: skip
    for one in facts["comparaisons"]:
        assert sum(one["lectures"].values()) + one["non_comparees"] == 176
    assert SANS_ANTERIEUR in {one["raison"] for one in facts["non_compares"]}
    assert {one["millesime"] for one in facts["sources"]} == {"2017", "2012"}


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--dept", "49", "--since", "1999"], 2, "À portée : 2022, 2021, 2017 et 2012."),
        (["--dept", "49", "--commune", "Atlantide"], 2, "Commune inconnue"),
        (["--dept", "49", "-o", "changement.xlsx"], 2, "un fichier .csv est attendu"),
        ([], 2, "Il manque le territoire"),
    ],
)
def test_bad_input_is_one_french_line(run, arguments, code, expected):
    found, out, err = run("trend", *arguments)
    assert found == code
    assert out == ""
    assert expected in err
    assert len(err.strip().splitlines()) == 1
