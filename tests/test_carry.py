"""Figures carried from their geography to the reference year, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.carry import REGLE_CLASSE, REGLE_MEDIANE, REGLE_PARTAGE, carry
from fragilite.cog import codes_of, passage
from fragilite.errors import FragiliteError
from fragilite.table import Statut, Table, Variable

VARIABLES = {
    "pop": Variable(),
    "mediane": Variable("mediane", "personnes"),
    "personnes": Variable(),
}


def table(cog, rows, secret=()):
    """A table from {code: (pop, mediane, personnes)}."""
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(VARIABLES), dtype=float)
    frame.index.name = "code_insee"
    hidden = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    for code, name in secret:
        hidden.loc[code, name] = True
    return Table.of("essai", "2023", cog, frame, hidden)


def carried(source, codes, vers=2026, **options):
    index = pd.Index(codes, name="code_insee")
    return carry(source, vers, index, VARIABLES, couverture=0.8, **options)


def test_change_of_code_keeps_the_figures():
    result = carried(table(2024, {"49069": (16975, 22910, 16562)}), ["49126"])
    assert result.values.loc["49126"].tolist() == [16975, 22910, 16562]
    assert (result.statuts.loc["49126"] == Statut.PUBLIE).all()


def test_merger_adds_counts_and_weighs_medians():
    """49160 + 49321: 2 600 + 350 = 2 950; (21 000 × 3 000 + 23 000 × 1 000) / 4 000 = 21 500."""
    rows = {"49160": (2600, 21000, 3000), "49321": (350, 23000, 1000)}
    result = carried(table(2023, rows), ["49160"])
    assert result.values.loc["49160"].tolist() == [2950, 21500, 4000]
    assert result.statuts.loc["49160"].tolist() == [Statut.PUBLIE, Statut.ESTIME, Statut.PUBLIE]
    assert result.regles["mediane"]["49160"] == REGLE_MEDIANE


def test_merger_with_a_missing_part_is_missing():
    result = carried(table(2023, {"49160": (2600, 21000, 3000)}), ["49160"])
    assert np.isnan(result.values.loc["49160", "pop"])
    assert result.statuts.loc["49160", "pop"] == Statut.ABSENT


def test_secret_part_is_weighed_against_the_coverage():
    """The known part holds 3 000 of 3 400 people (88 %, over 80 %), then 3 000 of 4 000 (75 %)."""
    for people, expected in ((400, Statut.ESTIME), (1000, Statut.SECRET)):
        rows = {"49160": (2600, 21000, 3000), "49321": (350, np.nan, people)}
        result = carried(table(2023, rows, secret=[("49321", "mediane")]), ["49160"])
        assert result.statuts.loc["49160", "mediane"] == expected
        known = result.values.loc["49160", "mediane"]
        assert known == 21000 if expected == Statut.ESTIME else np.isnan(known)


def test_split_shares_counts_by_population():
    """60054 of 2020 is shared between 60054 (300 people) and 60694 (100): three quarters, one."""
    people = pd.Series({"60054": 300.0, "60694": 100.0})
    source = table(2020, {"60054": (800, 22000, 780)})
    result = carried(source, ["60054", "60694"], populations=people)
    assert result.values["pop"].tolist() == [600, 200]
    assert result.values["mediane"].tolist() == [22000, 22000]
    assert (result.statuts[["pop", "mediane"]] == Statut.ESTIME).all(axis=None)
    assert (result.regles["pop"] == REGLE_PARTAGE).all()


def test_split_without_population_is_absent():
    result = carried(table(2020, {"60054": (800, 22000, 780)}), ["60054", "60694"])
    assert result.values["pop"].isna().all()
    assert (result.statuts["pop"] == Statut.ABSENT).all()


def test_row_absent_is_unknown_or_zero_as_the_source_says():
    source = table(2026, {"49007": (1, 2, 3)})
    assert carried(source, ["49007", "49328"]).statuts.loc["49328", "pop"] == Statut.ABSENT
    zero = carried(source, ["49007", "49328"], sans_ligne_zero=True)
    assert zero.values.loc["49328", "pop"] == 0
    assert zero.statuts.loc["49328", "pop"] == Statut.PUBLIE


def test_codes_of_another_geography_are_named():
    with pytest.raises(FragiliteError, match=r"essai, millésime 2023 : 1 code.*49069"):
        carried(table(2026, {"49069": (1, 2, 3)}), ["49126"])


def test_a_code_twice_is_refused():
    source = table(2026, {"49007": (1, 2, 3)})
    doubled = Table.of("essai", "2023", 2026, pd.concat([source.values, source.values]))
    with pytest.raises(FragiliteError, match="double : 49007"):
        carried(doubled, ["49007"])


def test_merger_of_classes_takes_the_most_populated():
    """49160 (class 6, 2 600 people) and 49321 (class 7, 350): 6, an estimate that says so."""
    names = {"classe": Variable("classe", "pop"), "pop": Variable()}
    frame = pd.DataFrame({"classe": [6.0, 7.0], "pop": [2600.0, 350.0]}, index=["49160", "49321"])
    source = Table.of("essai", "2023", 2023, frame)
    result = carry(source, 2026, pd.Index(["49160"]), names)
    assert result.values.loc["49160", "classe"] == 6
    assert result.statuts.loc["49160", "classe"] == Statut.ESTIME
    assert result.regles["classe"]["49160"] == REGLE_CLASSE
    unknown = Table.of("essai", "2023", 2023, frame.assign(pop=[2600.0, np.nan]))
    result = carry(unknown, 2026, pd.Index(["49160"]), names)
    assert result.statuts.loc["49160", "classe"] == Statut.ABSENT


@given(st.sampled_from([2012, 2015, 2018, 2023]), st.data())
def test_national_totals_are_conserved(year, data):
    """Counts on all the sources of some communes add up to the same total, before and after."""
    targets = data.draw(st.sets(st.sampled_from(sorted(codes_of(2026))), min_size=1, max_size=8))
    moves = passage(year, 2026)
    sources = [code for code, to in moves.items() if set(to) & targets]
    frame = sorted({target for code in sources for target in moves[code]})
    sources = [code for code, to in moves.items() if set(to) & set(frame)]
    frame = sorted({target for code in sources for target in moves[code]})
    counts = pd.DataFrame({"pop": np.arange(1.0, len(sources) + 1)}, index=sources)
    result = carry(
        Table.of("essai", "2023", year, counts),
        2026,
        pd.Index(frame),
        {"pop": Variable()},
        populations=pd.Series(1.0, index=frame),
    )
    assert result.values["pop"].sum() == pytest.approx(counts["pop"].sum(), abs=1e-6)


def test_row_order_does_not_matter():
    rows = {"49160": (2600, 21000, 3000), "49321": (350, 23000, 1000), "49007": (5, 6, 7)}
    one = carried(table(2023, rows), ["49007", "49160"]).values
    other = carried(table(2023, dict(reversed(rows.items()))), ["49007", "49160"]).values
    pd.testing.assert_frame_equal(one, other)
