"""The one file of a command: whole or not at all, never over another, never one that is open."""

import os

import pytest

from fragilite.errors import FragiliteError, UsageError
from fragilite.report_file import check_target, write_file, write_report


def test_a_report_is_written_whole_and_never_over_another(tmp_path):
    path = tmp_path / "rangs.csv"
    assert write_report(path, "é\n", ".csv").read_bytes() == "é\n".encode()
    with pytest.raises(UsageError, match="existe déjà"):
        write_report(path, "autre", ".csv")
    assert path.read_text(encoding="utf-8") == "é\n"
    write_report(path, "autre", ".csv", overwrite=True)
    assert path.read_text(encoding="utf-8") == "autre"
    with pytest.raises(UsageError, match=r"un fichier \.md est attendu, trouvé « \.csv »"):
        write_report(path, "x", ".md")
    with pytest.raises(FragiliteError, match="Impossible d'écrire"):
        write_report(tmp_path / "absent/rangs.csv", "x", ".csv")
    assert [one.name for one in tmp_path.iterdir()] == ["rangs.csv"]


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("dossier.docx", "~$ossier.docx"),
        ("dossier_49.docx", "~$ssier_49.docx"),
        ("note.docx", "~$note.docx"),
        ("dossier.xlsx", ".~lock.dossier.xlsx#"),
    ],
)
def test_a_file_open_in_a_word_processor_is_not_replaced(tmp_path, name, mark):
    path = tmp_path / name
    path.write_text("à moitié écrit par quelqu'un", encoding="utf-8")
    (tmp_path / mark).write_bytes(b"")
    with pytest.raises(FragiliteError, match="est ouvert dans un traitement de texte") as caught:
        write_report(path, "autre", path.suffix, overwrite=True)
    assert "Fermez-le" in caught.value.remedy
    assert path.read_text(encoding="utf-8") == "à moitié écrit par quelqu'un"


def test_several_suffixes_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"un fichier \.png ou \.svg est attendu") as caught:
        check_target(tmp_path / "carte.jpg", [".png", ".svg"])
    assert "carte.png" in caught.value.remedy
    check_target(tmp_path / "CARTE.PNG", [".png", ".svg"])


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    def half(path):
        path.write_text("début", encoding="utf-8")
        raise OSError(28, os.strerror(28))

    with pytest.raises(FragiliteError, match="disque plein"):
        write_file(tmp_path / "carte.png", half, [".png"])
    assert list(tmp_path.iterdir()) == []
