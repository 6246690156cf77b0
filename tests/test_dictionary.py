"""The dictionary feeds every file: no column of any method may be without a word."""

import dataclasses

import pytest

from fragilite.columns import declared
from fragilite.dictionary import STATUTS, Column, dictionary
from fragilite.method import available_methods, load_method
from fragilite.pipeline import build
from fragilite.provenance import source_records

WORDS = ("libelle", "unite", "description", "source")


@pytest.fixture(scope="module", params=available_methods())
def described(request):
    """A build by each bundled method, with its dictionary."""
    return build("49", method=request.param, uncertainty=None)


def test_every_column_has_a_label_a_unit_a_source_and_a_description(described):
    for column in described.columns.values():
        for word in WORDS:
            text = getattr(column, word)
            assert text.strip(), f"{column.nom} : {word}"
            assert "{" not in text, f"{column.nom} : {word}"


def test_every_column_written_is_in_the_dictionary(described):
    for table in (described.communes, described.epci):
        assert set(table.columns) <= set(described.columns)


def test_closed_lists_hold_for_every_cell(described):
    for column in described.columns.values():
        for table in (described.communes, described.epci):
            if column.valeurs and column.nom in table:
                assert set(table[column.nom].dropna()) <= {*column.valeurs, ""}, column.nom


def test_bounds_hold_for_every_cell(described):
    for column in described.columns.values():
        for table in (described.communes, described.epci):
            if column.nom not in table or column.type not in ("number", "integer"):
                continue
            values = table[column.nom].dropna().astype(float)
            low = -float("inf") if column.minimum is None else column.minimum
            high = float("inf") if column.maximum is None else column.maximum
            assert values.between(low - 1e-9, high + 1e-9).all(), column.nom


def test_a_list_is_closed_where_the_unit_says_so(described):
    for column in described.columns.values():
        closed = column.unite == "mot d'une liste"
        assert bool(column.valeurs) == closed, column.nom
        assert column.type == "string" or not closed


def test_classes_are_those_of_the_method():
    columns = {column.nom: column for column in dictionary(load_method())}
    classes = load_method().noeuds["indice"].classes
    assert columns["classe"].description.startswith(f"De 1 ({classes.libelles[0]}) à 5 (")
    assert columns["classe_libelle"].valeurs == tuple(classes.libelles)
    assert (columns["classe"].minimum, columns["classe"].maximum) == (1, 5)
    assert columns["part_65_plus_statut"].valeurs == STATUTS


def test_every_field_of_a_column_and_of_a_source_has_a_french_name(built):
    """The sheets Dictionnaire and Sources name what they show."""
    assert set(declared()["dictionnaire"]) <= {field.name for field in dataclasses.fields(Column)}
    assert set(declared()["provenance"]) == set(source_records(built.inputs.lots)[0])
    assert set(declared()["types"]) == {"string", "integer", "number", "boolean"}
