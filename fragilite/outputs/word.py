"""A Word document: a house's model or our own, real styles, and the same bytes every time."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fragilite.cartography import RAMP
from fragilite.errors import FragiliteError, UsageError, reason
from fragilite.french import glued

#: Content types of a model (.dotx) and of a document, in ``[Content_Types].xml``.
_MODEL, _DOCUMENT = (
    f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}.main+xml".encode()
    for kind in ("template", "document")
)
#: Dates of the members of the archive: a zip cannot hold an older one.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: Our own styles, and headings of a table: white on the darkest colour of the maps.
TABLE, CELL, HEAD, NOTE, FIELD = (
    "Tableau fragilite", "Cellule de tableau", "Tête de tableau", "Source", "À compléter",
)  # fmt: skip
DARK, SOFT, INK = RAMP[-1][1:].upper(), "595959", "1A1A1A"
#: Fonts of every office suite: LibreOffice puts Liberation Sans, of the same widths.
FONT = "Arial"
#: Tables of fewer rows stay on one page.
TOGETHER = 16
#: Letters of a cell of text that count in the width of its column: longer ones go to the next line.
WIDEST = 30
#: A letter of a header beside one of a cell: bold, and in a font that may be wider than ours.
BOLD = 1.25
#: Letters that a column of text keeps on a line, in a short table and in a long one.
NARROW = (15, 20)
#: Letters of a cell that a page takes across, in a font that may be wider than ours.
ACROSS = 100
#: Where the dots of a line to fill end, as a share of the text.
BLANK = 0.7


@dataclass(frozen=True)
class Look:
    """How a style looks where it is ours to say: sizes and spaces in points."""

    taille: float
    avant: float = 0
    apres: float = 4
    gras: bool = False
    italique: bool = False
    couleur: str = INK
    retrait: float = 0
    solidaire: bool = False


#: Styles of Word by their built-in names, then ours.
LOOKS = {
    "Normal": Look(10, apres=5),
    "Title": Look(18, apres=2, gras=True, couleur=DARK),
    "Subtitle": Look(10.5, apres=8, couleur=SOFT),
    "Heading 1": Look(14, avant=12, apres=4, gras=True, couleur=DARK, solidaire=True),
    "Heading 2": Look(11, avant=7, apres=2, gras=True, solidaire=True),
    "List Bullet": Look(10, apres=3, retrait=14),
    "List Number": Look(9.5, apres=2, retrait=18),
    "Caption": Look(9, avant=6, apres=3, gras=True, couleur=SOFT, solidaire=True),
    CELL: Look(8.5, avant=1, apres=1),
    HEAD: Look(8, avant=2, apres=2, gras=True, couleur="FFFFFF", solidaire=True),
    NOTE: Look(8, avant=3, apres=6, couleur=SOFT),
    FIELD: Look(10, avant=4, apres=6, italique=True),
}


def check_template(path: Path) -> None:
    """Refuse a model that cannot be used, before anything is computed.

    Raises
    ------
    UsageError
        If it is missing, or not a Word document.
    FragiliteError
        If it cannot be read: Word may hold it.
    """
    open_document(path)


def open_document(template: Path | None) -> Any:
    """An empty document: ours, or a house's model without its text.

    Parameters
    ----------
    template : Path, optional
        A ``.docx`` or ``.dotx`` whose styles, header and footer are kept.

    Returns
    -------
    docx.document.Document
    """
    import docx

    if template is None:
        document = docx.Document()
        _own_page(document)
        return document
    content = _read(template)
    try:
        document = docx.Document(io.BytesIO(_as_document(content)))
    except Exception as error:  # python-docx, zipfile and lxml each have their own
        raise _not_word(template) from error
    body = document.element.body
    for child in list(body):
        if child is not body.sectPr:
            body.remove(child)
    return document


def _read(template: Path) -> bytes:
    if template.suffix.lower() not in {".docx", ".dotx"}:
        raise _not_word(template)
    if not template.is_file():
        raise UsageError(
            f"Modèle introuvable : {template}.",
            "Donnez --template un document Word (.docx ou .dotx) qui existe.",
        )
    if (template.parent / f"~${template.name[2:]}").exists():
        # Word's mark of an open document: on a shared disk its last saved version still reads.
        logging.getLogger("fragilite").warning(
            "Le modèle %s est ouvert dans Word : sa dernière version enregistrée est prise.",
            template,
        )
    try:
        return template.read_bytes()
    except PermissionError as error:
        raise FragiliteError(
            f"Le modèle {template} ne se lit pas : il est ouvert dans Word, ou vos droits ne "
            "suffisent pas.",
            "Fermez-le dans Word, ou donnez-en une copie.",
        ) from error
    except OSError as error:
        raise FragiliteError(
            f"Le modèle {template} ne se lit pas : {reason(error)}.", "Donnez-en une copie."
        ) from error


def _not_word(template: Path) -> UsageError:
    return UsageError(
        f"{template} n'est pas un document Word (.docx ou .dotx).",
        "Ouvrez-le dans Word, puis enregistrez-le au format .docx.",
    )


def _as_document(content: bytes) -> bytes:
    """A model declared as a document, which is all that differs between the two."""
    types = "[Content_Types].xml"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if _MODEL not in archive.read(types):
            return content
        members = {name: archive.read(name) for name in archive.namelist()}
    members[types] = members[types].replace(_MODEL, _DOCUMENT)
    return _zipped(members)


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _own_page(document: Any) -> None:
    """A4, our styles, without the picture of the library's own model."""
    from docx.shared import Cm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin, section.bottom_margin = Cm(1.8), Cm(1.8)
    section.header_distance = section.footer_distance = Cm(0.9)
    for name in LOOKS:
        if name in document.styles:
            _dress(document.styles[name], LOOKS[name])
    document.styles["Normal"].paragraph_format.line_spacing = 1.08
    footer = document.styles["Footer"]
    footer.font.name, footer.font.size = FONT, Pt(8)
    footer.paragraph_format.tab_stops.clear_all()
    relations = document.part.package.rels
    for key in [key for key, one in relations.items() if one.reltype.endswith("/thumbnail")]:
        del relations[key]


def _dress(style: Any, look: Look) -> None:
    """Give a paragraph style its look; fonts are named for every script."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.name, style.font.size = FONT, Pt(look.taille)
    fonts = style.element.rPr.rFonts
    for name in list(fonts.attrib):
        if name.endswith("Theme"):
            del fonts.attrib[name]
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), FONT)
    style.font.bold, style.font.italic = look.gras, look.italique
    style.font.color.rgb = RGBColor.from_string(look.couleur)
    for name in ("w:spacing", "w:kern"):  # letters that the library's model sets apart
        for found in style.element.rPr.findall(qn(name)):
            style.element.rPr.remove(found)
    _space(style, look)


def _space(style: Any, look: Look) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    form = style.paragraph_format
    form.space_before, form.space_after = Pt(look.avant), Pt(look.apres)
    form.keep_with_next = look.solidaire
    if look.retrait:
        form.left_indent, form.first_line_indent = Pt(look.retrait), Pt(-look.retrait)
    # The library's model draws a rule under a title, and sets the items of a list solid.
    for name in ("w:pBdr", "w:contextualSpacing"):
        for found in style.element.pPr.findall(qn(name)):
            style.element.pPr.remove(found)


def _shade(properties: Any, fill: str) -> None:
    """A background, at its place among a paragraph's properties: Word minds their order."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    shade = OxmlElement("w:shd")
    for name, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", fill)):
        shade.set(qn(name), value)
    properties.insert_element_before(
        shade, "w:tabs", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:outlineLvl"
    )


_TABLE_STYLE = (
    '<w:style {ns} w:type="table" w:customStyle="1" w:styleId="TableauFragilite">'
    '<w:name w:val="{name}"/>{based}<w:uiPriority w:val="99"/><w:tblPr><w:tblBorders>'
    '<w:top w:val="single" w:sz="4" w:color="{line}"/>'
    '<w:bottom w:val="single" w:sz="4" w:color="{line}"/>'
    '<w:insideH w:val="single" w:sz="4" w:color="D0D0D0"/></w:tblBorders>'
    '<w:tblCellMar><w:left w:w="70" w:type="dxa"/><w:right w:w="70" w:type="dxa"/></w:tblCellMar>'
    '</w:tblPr><w:tblStylePr w:type="firstRow"><w:tcPr>'
    '<w:shd w:val="clear" w:color="auto" w:fill="{line}"/></w:tcPr></w:tblStylePr></w:style>'
)


@dataclass
class Word:
    """Writes a document from its top; a style that the model lacks is added.

    Attributes
    ----------
    document : docx.document.Document
    template : bool
        Whether it is a house's model: its page, fonts, header and footer are its own.
    """

    document: Any
    template: bool
    added: set[str] = field(default_factory=set)
    captions: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Path | None) -> Word:
        """An empty document, its language French."""
        word = cls(open_document(template), template is not None)
        for name in LOOKS:
            word._ensure(name)
        word._ensure_table()
        word._speak_french()
        return word

    @property
    def width(self) -> int:
        """Width of the text, in EMU."""
        section = self.document.sections[-1]
        return int(section.page_width - section.left_margin - section.right_margin)

    def _ensure(self, name: str) -> None:
        from docx.enum.style import WD_STYLE_TYPE

        styles, ours = self.document.styles, {CELL, HEAD, NOTE, FIELD}
        if name in styles:
            return
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH, builtin=name not in ours)
        if "Normal" in styles and name != "Normal":
            style.base_style = styles["Normal"]
        style.quick_style = True
        self.added.add(name)
        if self.template:  # the house's font stays: only what makes the style what it is
            self._dress_over(style, LOOKS[name])
        else:
            _dress(style, LOOKS[name])
        if name == FIELD:
            _shade(style.element.get_or_add_pPr(), "FFF2CC")

    def _dress_over(self, style: Any, look: Look) -> None:
        from docx.shared import Pt, RGBColor

        style.font.size, style.font.bold, style.font.italic = (
            Pt(look.taille), look.gras, look.italique,
        )  # fmt: skip
        if look.couleur != INK:
            style.font.color.rgb = RGBColor.from_string(look.couleur)
        _space(style, look)

    def _ensure_table(self) -> None:
        from docx.enum.style import WD_STYLE_TYPE
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        styles = self.document.styles
        if TABLE in styles:
            return
        usual = styles.default(WD_STYLE_TYPE.TABLE)
        based = f'<w:basedOn w:val="{usual.style_id}"/>' if usual is not None else ""
        styles.element.append(
            parse_xml(_TABLE_STYLE.format(ns=nsdecls("w"), name=TABLE, based=based, line=DARK))
        )

    def _speak_french(self) -> None:
        """The language that a word processor checks spelling in, and a screen reader speaks."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        styles = self.document.styles.element
        place = styles
        for name in ("w:docDefaults", "w:rPrDefault", "w:rPr"):
            found = place.find(qn(name))
            if found is None:
                found = OxmlElement(name)
                place.insert(0, found)
            place = found
        language = place.find(qn("w:lang"))
        if language is None:
            language = OxmlElement("w:lang")
            place.append(language)
        language.set(qn("w:val"), "fr-FR")

    # --- text ------------------------------------------------------------------------------

    def write(
        self, text: str, style: str = "Normal", *, lead: str = "", after: str = "",
        keep: bool = False,
    ) -> Any:  # fmt: skip
        """A paragraph, what it is about in bold before it, its source small after it.

        `keep`: on the page of what follows.
        """
        paragraph = self.document.add_paragraph(style=self.document.styles[style])
        if style in self.added and style == "List Bullet":
            paragraph.add_run("•\t")
        if lead:
            paragraph.add_run(glued(f"{lead}. ")).bold = True
        paragraph.add_run(glued(text))
        if after:
            self._small(paragraph, f" [{after}]")
        if keep:
            paragraph.paragraph_format.keep_with_next = True
        return paragraph

    def _small(self, paragraph: Any, text: str) -> None:
        from docx.shared import Pt, RGBColor

        run = paragraph.add_run(glued(text))
        run.font.size, run.font.color.rgb = Pt(8), RGBColor.from_string(SOFT)

    def numbered(self, lines: Sequence[str]) -> None:
        """A numbered list, one line each."""
        for place, line in enumerate(lines, start=1):
            paragraph = self.write(line, "List Number")
            if "List Number" in self.added:
                paragraph.runs[0].text = f"{place}.\t{paragraph.runs[0].text}"

    def caption(self, kind: str, text: str) -> Any:
        """``Tableau 1. …``, on the page of what follows."""
        self.captions[kind] = self.captions.get(kind, 0) + 1
        return self.write(f"{kind} {self.captions[kind]}. {text}", "Caption")

    def field(self, text: str) -> None:
        """A sentence for the author to write."""
        self.write(f"[À compléter : {text}]", FIELD)

    def blank(self, label: str, *, keep: bool) -> None:
        """``Date : ………``, dots to the right edge, for a pen; `keep` as in :meth:`write`."""
        from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER

        paragraph = self.write(f"{label} :\t", keep=keep)
        paragraph.paragraph_format.tab_stops.add_tab_stop(
            round(BLANK * self.width), WD_TAB_ALIGNMENT.LEFT, WD_TAB_LEADER.DOTS
        )

    # --- tables and pictures ---------------------------------------------------------------

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1,
        strong: int = 0, note: str = "",
    ) -> None:  # fmt: skip
        """A table whose header repeats on each page and whose rows are never cut.

        Parameters
        ----------
        header : sequence of str
        rows : sequence of sequences of str
        texts : int
            First columns that hold text: the others are numbers, to the right.
        strong : int
            Last rows in bold: the larger places.
        note : str
            Written small under it, never parted from its last row.
        """
        count = len(header)
        shares = _shares(header, rows, texts)
        table = self.document.add_table(rows=0, cols=count, style=self.document.styles[TABLE])
        table.autofit = False
        for place, share in enumerate(shares):
            table.columns[place].width = round(share * self.width)
        lines = [header, *rows]
        for at, line in enumerate(lines):
            last = at == len(lines) - 1
            keep = at == 0 or (bool(note) if last else len(lines) <= TOGETHER)
            bold = at > len(lines) - 1 - strong and at > 0
            self._row(table, line, shares, texts, head=at == 0, keep=keep, bold=bold)
        if note:
            self.write(note, NOTE)

    def _row(
        self, table: Any, line: Sequence[str], shares: Sequence[float], texts: int, *, head: bool,
        keep: bool, bold: bool,
    ) -> None:  # fmt: skip
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml import OxmlElement

        row = table.add_row()
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if head:
            properties.append(OxmlElement("w:tblHeader"))
        for place, (cell, text) in enumerate(zip(row.cells, line, strict=True)):
            cell.width = round(shares[place] * self.width)
            paragraph = cell.paragraphs[0]
            paragraph.style = self.document.styles[HEAD if head else CELL]
            paragraph.add_run(glued(text)).bold = True if bold or head else None
            paragraph.paragraph_format.keep_with_next = keep
            if place >= texts:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT

    def picture(self, kind: str, text: str, image: Path, described: str) -> None:
        """A picture across the text under its caption, with words for who does not see it.

        One paragraph holds both: LibreOffice may leave a caption alone at the end of a page, though
        it is told to keep it with the picture that follows.
        """
        paragraph = self.caption(kind, text)
        paragraph.paragraph_format.keep_together = True
        paragraph.paragraph_format.keep_with_next = True  # its source, under it
        run = paragraph.add_run()
        run.add_break()
        shape = run.add_picture(str(image), width=self.width)
        about = shape._inline.docPr
        about.set("descr", described)
        about.set("name", image.stem)

    def number_pages(self, text: str) -> None:
        """A footer with the page and how many there are; a house's model has its own."""
        from docx.enum.text import WD_TAB_ALIGNMENT

        if self.template:
            return
        paragraph = self.document.sections[0].footer.paragraphs[0]
        stops = paragraph.paragraph_format.tab_stops
        stops.add_tab_stop(self.width, WD_TAB_ALIGNMENT.RIGHT)
        paragraph.add_run(glued(text) + "\t")
        _field(paragraph, "PAGE")
        paragraph.add_run("\u00a0/\u00a0")
        _field(paragraph, "NUMPAGES")

    # --- saving ----------------------------------------------------------------------------

    def save(self, path: Path, *, title: str, subject: str, author: str, date: str) -> None:
        """Write the document, its dates those of the newest figures."""
        about = self.document.core_properties
        about.title, about.subject, about.author = title, subject, author
        about.keywords, about.comments, about.category = "fragilité numérique", "", ""
        about.last_modified_by, about.language, about.revision = author, "fr-FR", 1
        about.created = about.modified = datetime.fromisoformat(date)
        buffer = io.BytesIO()
        self.document.save(buffer)
        with zipfile.ZipFile(buffer) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        path.write_bytes(_zipped(members))


def _shares(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[float]:
    """Share of the width of each column: its longest word in the header, its longest number.

    Where a page is too narrow, columns of text give way: they go to the next line between words, as
    a number or a header of one word cannot. Those of a long table do less: each line more counts.

    Examples
    --------
    >>> [round(share, 2) for share in _shares(["", "Habitants"], [["Saumur", "26 241"]], 1)]
    [0.38, 0.62]
    """
    needs, least = [], []
    narrow = NARROW[len(rows) >= TOGETHER]
    for place, title in enumerate(header):
        word = BOLD * max(map(len, re.split(r"[ -]", title)))
        cells = [row[place] for row in rows]
        pieces = max((len(part) for cell in cells for part in re.split(r"[ -]", cell)), default=0)
        if place < texts:
            pieces = min(pieces, NARROW[1])
            whole = min(max(map(len, cells), default=0), WIDEST)
        else:  # a number goes to the next line before its note: « 5,1 (compté 3,9) »
            whole = max((len(part) for cell in cells for part in cell.split(" ")), default=0)
        needs.append(max(word, whole) + 2)
        least.append(max(word, pieces, min(whole, narrow)) + 2 if place < texts else needs[-1])
    spare = sum(needs) - sum(least)
    given = min(max(sum(needs) - ACROSS, 0), spare)
    widths = [
        need - (given * (need - low) / spare if spare else 0)
        for need, low in zip(needs, least, strict=True)
    ]
    return [width / sum(widths) for width in widths]


def _field(paragraph: Any, code: str) -> None:
    """A field that the word processor counts."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    simple = OxmlElement("w:fldSimple")
    simple.set(qn("w:instr"), code)
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    simple.append(run)
    paragraph._p.append(simple)
