"""The data package and the schema that stands alone, judged by frictionless, cells included."""

import dataclasses
import json
import re

import frictionless
import pytest

from fragilite import __version__, outputs
from fragilite.dictionary import STATUTS
from fragilite.method import available_methods
from fragilite.pipeline import build
from fragilite.robustness import LECTURES

PACKAGE, SCHEMA = "fragilite_49.datapackage.json", "fragilite_49.schema.json"


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    target = tmp_path_factory.mktemp("paquet")
    outputs.write(built, target, outputs.FORMATS)
    return target


@pytest.fixture
def changed(folder, tmp_path):
    """Write a CSV of the package again with a change, as if it had been written so."""

    def _changed(name, change):
        for path in folder.glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        text = (folder / name).read_bytes().decode("utf-8")
        assert change(text) != text
        (tmp_path / name).write_bytes(change(text).encode("utf-8"))
        package = json.loads((folder / PACKAGE).read_text(encoding="utf-8"))
        package["resources"] = [r for r in package["resources"] if r["format"] == "csv"]
        for resource in package["resources"]:
            del resource["bytes"], resource["hash"]
        (tmp_path / PACKAGE).write_text(json.dumps(package), encoding="utf-8")
        return errors(frictionless.Package(str(tmp_path / PACKAGE)).validate())

    return _changed


def errors(report):
    return {kind for (kind,) in report.flatten(["type"])}


def described(folder, name=PACKAGE):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_package_is_valid_with_the_data_of_every_table(folder):
    report = frictionless.Package(str(folder / PACKAGE)).validate()
    assert report.valid, report.flatten(["type", "note"])
    assert {task.name for task in report.tasks} >= {
        "fragilite-49-csv", "fragilite-49-excel-csv", "fragilite-49-epci-csv",
        "fragilite-49-xlsx", "fragilite-49-schema-json",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["fragilite_49.csv", "fragilite_49_excel.csv"])
def test_frictionless_reads_the_values_of_the_build(built, folder, name):
    package = frictionless.Package(str(folder / PACKAGE))
    resource = next(found for found in package.resources if found.path == name)
    rows = resource.read_rows()
    assert [row["code_insee"] for row in rows] == built.communes["code_insee"].tolist()
    assert [float(row["indice"]) for row in rows] == built.communes["indice"].round(1).tolist()
    assert [row["part_65_plus_sature"] for row in rows] == built.communes[
        "part_65_plus_sature"
    ].tolist()


@pytest.mark.parametrize("method", available_methods())
def test_package_of_every_method_is_valid(method, tmp_path):
    outputs.write(build("49", method=method), tmp_path, ["csv", "excel"])
    report = frictionless.Package(str(tmp_path / PACKAGE)).validate()
    assert report.valid, report.flatten(["type", "fieldName", "note"])


@pytest.mark.parametrize("name", ["fragilite_49.csv", "fragilite_49_excel.csv"])
@pytest.mark.parametrize(
    ("found", "put", "error"),
    [
        (r"49007", "4900", "constraint-error"),  # a code that lost a digit
        (r"49003", "49002", "primary-key"),  # a commune twice
        (r"244900015", "244900016", "foreign-key"),  # an EPCI that is not in the other table
        (r"fragilité faible", "fragilité douce", "constraint-error"),  # not a class
        (r"publie", "publié", "constraint-error"),  # not a status
        (r"34[.,]2", "beaucoup", "type-error"),
    ],
)
def test_a_wrong_cell_is_found(changed, name, found, put, error):
    assert error in changed(name, lambda text: re.sub(found, put, text, count=1))


def test_a_file_that_was_changed_is_found(folder, tmp_path):
    for path in folder.iterdir():
        if path.suffix != ".lock":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    for name in ("fragilite_49.csv", "fragilite_49.xlsx"):
        content = bytearray((tmp_path / name).read_bytes())
        content[-3] ^= 1
        (tmp_path / name).write_bytes(content)
    report = frictionless.Package(str(tmp_path / PACKAGE)).validate()
    wrong = {task.name for task in report.tasks if "hash-count" in errors_of(task)}
    assert wrong == {"fragilite-49-csv", "fragilite-49-xlsx"}


def errors_of(task):
    return {error.type for error in task.errors}


def test_every_resource_has_a_title_of_its_own(folder):
    titles = [resource["title"] for resource in described(folder)["resources"]]
    assert all(" " in title for title in titles)
    assert len(set(titles)) == len(titles)


def test_closed_lists_and_keys_are_in_the_schema(folder):
    package = described(folder)
    communes = next(r for r in package["resources"] if r["path"] == "fragilite_49.csv")
    fields = {field["name"]: field for field in communes["schema"]["fields"]}
    assert fields["lecture"]["constraints"]["enum"] == list(LECTURES)
    assert fields["part_65_plus_statut"]["constraints"]["enum"] == list(STATUTS)
    assert fields["classe"]["constraints"] == {"minimum": 1, "maximum": 5}
    assert communes["schema"]["primaryKey"] == "code_insee"
    for field in fields.values():
        assert all(field[key].strip() for key in ("title", "description", "unit", "source"))


def test_a_commune_outside_any_epci_is_valid(built, tmp_path):
    """Four islands belong to none."""
    communes = built.communes.copy()
    communes.loc[0, ["code_epci", "nom_epci"]] = ""
    outputs.write(dataclasses.replace(built, communes=communes), tmp_path, ["csv", "excel"])
    report = frictionless.Package(str(tmp_path / PACKAGE)).validate()
    assert report.valid, report.flatten(["type", "note"])


# --- the schema that stands alone ----------------------------------------------------------------


def test_schema_alone_validates_the_csv(folder):
    schema = frictionless.Schema.from_descriptor(described(folder, SCHEMA))
    resource = frictionless.Resource(
        path="fragilite_49.csv", basepath=str(folder), schema=schema, encoding="utf-8"
    )
    report = resource.validate()
    assert report.valid, report.flatten(["type", "fieldName", "note"])


def test_schema_has_the_keys_that_schema_data_gouv_fr_shows(built, folder):
    schema = described(folder, SCHEMA)
    for key in ("name", "title", "description", "countryCode", "created", "lastModified"):
        assert schema[key].strip(), key
    assert re.fullmatch(r"\d+\.\d+\.\d+", schema["version"])
    assert re.fullmatch(r"[a-z0-9-]+", schema["name"])
    assert schema["missingValues"] == [""]
    assert schema["resources"] == [{"title": "Communes (CSV)", "path": "fragilite_49.csv"}]
    for field in schema["fields"]:
        assert field["title"]
        assert field["description"]
        assert field["type"] in ("string", "integer", "number", "boolean")
    with_example = {field["name"] for field in schema["fields"] if "example" in field}
    filled = {
        name for name, values in built.communes.items() if ((values != "") & values.notna()).any()
    }
    assert with_example == filled


def test_schema_names_nobody_and_claims_no_address(folder):
    schema = described(folder, SCHEMA)
    assert schema["contributors"] == [{"title": f"fragilite {__version__}", "role": "author"}]
    assert not {"homepage", "path", "$schema", "email"} & set(schema)


def test_schema_is_written_beside_the_csv_only(built, tmp_path):
    names = [path.name for path in outputs.write(built, tmp_path, ["excel"])]
    assert SCHEMA not in names
