"""The publishers' own files: which ones a build needs, had, and read into tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.cog import departement_of, projection_of
from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.ingestion import addresses, filosofi, geography
from fragilite.ingestion.bundled import bundled_departements
from fragilite.ingestion.catalogue import RawFile, Source, Vintage, load_sources
from fragilite.ingestion.fetch import CheckResult, Fetched, RemoteFile, check, fetch
from fragilite.ingestion.gather import Needs, Options
from fragilite.ingestion.lock import SourcesLock, digest
from fragilite.ingestion.lots import Gathered, Lot
from fragilite.ingestion.progress import Reporter, reporter
from fragilite.ingestion.readers import READERS
from fragilite.ingestion.recognition import recognise
from fragilite.paths import raw_dir
from fragilite.table import Table
from fragilite.territory import Territory, parse_territory

if TYPE_CHECKING:
    import geopandas as gpd

#: Sources of the frame, in order of preference: codes and names, composition of the EPCI,
#: outlines (IGN under Licence Ouverte; those of Etalab are lighter, under ODbL).
COMMUNES = ("insee_cog",)
EPCI = ("epci", "epci_insee")
CONTOURS = ("contours", "contours_etalab", "contours_api")
COVERAGE, FILOSOFI = "arcep_4g", "insee_filosofi"


@dataclass(frozen=True)
class Wanted:
    """One file of one vintage of one source."""

    source: str
    vintage: Vintage
    file: RawFile

    @property
    def key(self) -> str:
        """Its place under ``data/raw``."""
        return f"{self.source}/{self.vintage.millesime}/{self.file.nom}"


def offered(source: Source, vintage: Vintage) -> set[str]:
    """Variables that a vintage can give: those of its columns or cells.

    A map has neither: what is measured on it is all that its source has.
    """
    named = {name for file in vintage.fichiers for name in (*file.colonnes, *file.cellules)}
    return named or set(source.variables)


def plan(needs: Needs, options: Options) -> list[tuple[str, Vintage]]:
    """Vintages to read: for each source the newest, then older ones for what it lacks.

    Of the sets of age bands that may make the volume, the finest that a vintage has is wanted.

    Parameters
    ----------
    needs : Needs
    options : Options
        ``pins`` and ``without`` are obeyed.

    Returns
    -------
    list of (source, Vintage)

    Raises
    ------
    UsageError
        If a pinned or unwanted source or vintage does not exist.
    """
    sources = load_sources()
    _check_names(sources, options)
    variables = set(needs.variables) | _bands(sources, needs, options)
    chosen = []
    for name, source in sources.items():
        left = variables & source.variables.keys()
        if name in options.without or (source.a_la_demande and not _asked(name, options)):
            continue
        for vintage in _candidates(name, source, options):
            if left & offered(source, vintage):
                chosen.append((name, vintage))
                left -= offered(source, vintage)
    return chosen


def _check_names(sources: Mapping[str, Source], options: Options) -> None:
    for name in (*options.pins, *options.without):
        if name not in sources:
            raise UsageError(f"Source inconnue : « {name} ».", "Pour les voir : fragilite sources")
    for name, pinned in options.pins.items():
        known = [vintage.millesime for vintage in sources[name].millesimes]
        if pinned not in known:
            raise UsageError(
                f"Source {name} : millésime inconnu « {pinned} ».",
                f"Millésimes du catalogue : {', '.join(known) or 'aucun'}.",
            )


def _candidates(name: str, source: Source, options: Options) -> list[Vintage]:
    if name not in options.pins:
        return source.millesimes
    return [v for v in source.millesimes if v.millesime == options.pins[name]][:1]


def _bands(sources: Mapping[str, Source], needs: Needs, options: Options) -> set[str]:
    """The finest set of age bands that one vintage has whole."""
    for bands in needs.volume:
        for name, source in sources.items():
            vintages = _candidates(name, source, options)
            if any(bands <= offered(source, vintage) for vintage in vintages):
                return set(bands)
    return set()


def _asked(name: str, options: Options) -> bool:
    """Whether a heavy source was fetched or pinned: it is never fetched unasked."""
    lock = SourcesLock.read(options.raw or raw_dir())
    return name in options.pins or any(key.startswith(f"{name}/") for key in lock.files)


@dataclass(frozen=True)
class Frame:
    """Vintages of the frame: the communes, their EPCI, their outlines."""

    communes: tuple[str, Vintage]
    epci: tuple[str, Vintage]
    contours: tuple[str, Vintage]

    def __iter__(self) -> Iterator[tuple[str, Vintage]]:
        return iter((self.communes, self.epci, self.contours))


def frame_vintages(annee: int, options: Options) -> Frame:
    """Vintages of the frame: of the reference year, else the newest before it.

    Each part comes from the first of its sources that is not unwanted (``--without contours``
    takes the lighter outlines of Etalab).
    """
    return Frame(*(_frame_part(names, annee, options) for names in (COMMUNES, EPCI, CONTOURS)))


def _frame_part(names: Sequence[str], annee: int, options: Options) -> tuple[str, Vintage]:
    sources = load_sources()
    for name in names:
        if name in options.without:
            continue
        known = [v for v in _candidates(name, sources[name], options) if v.cog <= annee]
        if known:
            return name, max(known, key=lambda vintage: vintage.cog)
    raise UsageError(
        f"Sources {', '.join(names)} : rien au catalogue pour la géographie {annee}.",
        f"Donnez une année plus récente, ou ne vous passez pas de {names[0]}.",
    )


# --- having the files ------------------------------------------------------------------------


def obtain(
    vintages: Iterable[tuple[str, Vintage]],
    options: Options,
    *,
    update: bool = False,
    territory: Territory | None = None,
) -> tuple[dict[str, Path], dict[str, Fetched]]:
    """Have the files of some vintages: dropped by hand, present already, or fetched.

    Parameters
    ----------
    vintages : iterable of (source, Vintage)
    options : Options
    update : bool
        Ask the publishers again, and say what changed.
    territory : Territory, optional
        Files given one a département are wanted for its départements only.

    Returns
    -------
    paths : dict of str to Path
        By key: source, vintage and name of the file.
    fetched : dict of str to Fetched
        Those that the lock file knows, by key.

    Raises
    ------
    SourceUnavailableError
        If a publisher is at fault, or a file absent may not be asked for.
    """
    raw = options.raw or raw_dir()
    wanted = [
        Wanted(source, vintage, file)
        for source, vintage in vintages
        for file in expanded(vintage.fichiers, territory)
    ]
    by_hand = {} if options.frozen else recognise(raw, wanted)
    progress = reporter(quiet=options.quiet)
    for key, path in by_hand.items():
        progress.note(f"{path} : reconnu, pris pour {key}.")

    def ask(file: RemoteFile) -> Path:
        blind = options.offline or options.frozen
        return fetch(
            [file], raw, update=not blind, offline=options.offline, frozen=options.frozen,
            reporter=reporter(quiet=True),
        )[0].path  # fmt: skip

    lock = SourcesLock.read(raw)
    requests = []
    for one in wanted:
        if one.key in by_hand:
            continue
        known = one.key in lock.files or (raw / one.key).is_file()
        silent = options.offline or options.frozen or (known and not update)
        url = (
            addresses.landing(one.file)
            if silent
            else addresses.address(one.source, one.vintage, one.file, ask)
        )
        requests.append(addresses.request(one.source, one.vintage, one.file, url))
    absent = [request.key for request in requests if not (raw / request.key).is_file()]
    if absent:
        _announce(absent, raw, options, progress)
    taken = fetch(
        requests, raw, update=update, offline=options.offline, frozen=options.frozen,
        verify=partial(_verify, {one.key: one for one in wanted}), reporter=progress,
    )  # fmt: skip
    fetched = {found.file.key: found for found in taken}
    return by_hand | {key: found.path for key, found in fetched.items()}, fetched


def _announce(absent: Sequence[str], raw: Path, options: Options, progress: Reporter) -> None:
    """Say what is about to be fetched, or stop if it may not be.

    Raises
    ------
    SourceUnavailableError
        Under ``--offline`` or ``--frozen``.
    """
    if not (options.offline or options.frozen):
        progress.note(f"À télécharger : {', '.join(absent)}.")
        return
    option = "--frozen" if options.frozen else "--offline"
    bundled = ", ".join(bundled_departements())
    shown = f"{absent[0]}" + (f" et {len(absent) - 1} autre(s)" if len(absent) > 1 else "")
    raise SourceUnavailableError(
        f"Chiffres absents, et {option} interdit de les télécharger : il manque {shown} dans "
        f"{raw}. Livrés avec fragilite : le département {bundled}.",
        f"Relancez sans {option}, déposez ces fichiers dans {raw}, ou passez-vous d'une source par "
        "--without SOURCE.",
    )


def _verify(wanted: Mapping[str, Wanted], file: RemoteFile, path: Path) -> None:
    """Read a file just taken: the former one is replaced only if this one can be used."""
    one = wanted[file.key]
    if one.source in READERS and (one.file.colonnes or one.file.cellules):
        READERS[one.source](one.source, one.vintage, {one.file.nom: path})


def expanded(files: Sequence[RawFile], territory: Territory | None) -> list[RawFile]:
    """Files of a vintage, those given one a département being repeated for each."""
    found = []
    for file in files:
        if "{departement}" not in file.nom:
            found.append(file)
            continue
        for code in territory.departements if territory else ():
            place = {"nom": file.nom, "url": file.url}
            update = {key: text.replace("{departement}", code) for key, text in place.items()}
            found.append(file.model_copy(update=update))
    return found


def fetch_sources(
    names: Sequence[str],
    options: Options,
    *,
    update: bool = False,
    territory: Territory | None = None,
) -> list[Path]:
    """Have the files of some sources: the newest vintage, or the one pinned.

    Parameters
    ----------
    names : sequence of str
        Keys of the catalogue; none is every source that a build fetches unasked.
    """
    return sorted(
        obtain(_newest(names, options), options, update=update, territory=territory)[0].values()
    )


def _newest(names: Sequence[str], options: Options) -> list[tuple[str, Vintage]]:
    sources = load_sources()
    known = [name for name, source in sources.items() if source.millesimes]
    for name in names:
        if name not in known:
            raise UsageError(
                f"Source inconnue : « {name} ».", f"Sources à télécharger : {', '.join(known)}."
            )
    _check_names(sources, options)
    chosen = names or [name for name in known if not sources[name].a_la_demande]
    return [(name, _candidates(name, sources[name], options)[0]) for name in chosen]


def check_addresses(names: Sequence[str]) -> list[CheckResult]:
    """Try the address of each file of some sources, every vintage, without downloading."""
    sources = load_sources()
    _newest(names, Options())
    requests = [
        addresses.request(name, vintage, file, addresses.landing(file))
        for name in names or [name for name, source in sources.items() if source.millesimes]
        for vintage in sources[name].millesimes
        for file in expanded(vintage.fichiers, parse_territory("49"))
    ]
    return check(list({request.key: request for request in requests}.values()))


# --- reading them ----------------------------------------------------------------------------


def gather(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """Have and read the publishers' files for a territory.

    Raises
    ------
    SourceUnavailableError
        If a publisher is at fault, or a file has not the layout of the catalogue.
    """
    frame, vintages = frame_vintages(annee, options), plan(needs, options)
    paths, fetched = obtain([*frame, *vintages], options, territory=territory)
    communes, epci, anciennes, note = _communes(frame, paths, annee)
    contours = _outlines_reader(frame.contours, paths, annee)
    chosen = territory.select(communes).index
    lots = []
    for source, vintage in vintages:
        lot = _lot(source, vintage, paths, fetched)
        if source == COVERAGE:
            table, notes = _coverage(source, vintage, paths, contours(chosen), annee)
            lots.append((replace(lot, note=" ".join([lot.note, *notes])), table))
        else:
            lots.append((lot, READERS[source](source, vintage, _of(source, vintage, paths))))
    parts = [_lot(source, vintage, paths, fetched) for source, vintage in frame]
    parts[1] = replace(parts[1], note=" ".join(filter(None, [parts[1].note, note])))
    medians = [
        filosofi.read_epci(source, vintage, _of(source, vintage, paths))
        for source, vintage in vintages
        if source == FILOSOFI
    ]
    return Gathered(communes, epci, anciennes, contours, lots, parts, medians)


def _coverage(
    source: str, vintage: Vintage, paths: Mapping[str, Path], contours: gpd.GeoDataFrame, annee: int
) -> tuple[Table, list[str]]:
    """Measure the 4G coverage on the outlines of the communes wanted."""
    from fragilite.ingestion.mobile_coverage import measure

    measured = measure(source, vintage, _of(source, vintage, paths), contours, annee)
    return measured.table, list(measured.notes)


def _of(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> dict[str, Path]:
    """Paths of one vintage, by the name of the file."""
    prefix = f"{source}/{vintage.millesime}/"
    return {key.removeprefix(prefix): path for key, path in paths.items() if key.startswith(prefix)}


def _lot(
    source: str, vintage: Vintage, paths: Mapping[str, Path], fetched: Mapping[str, Fetched]
) -> Lot:
    """Provenance of a vintage: its files, their digests, where and when they were taken."""
    prefix = f"{source}/{vintage.millesime}/"
    keys = sorted(key for key in paths if key.startswith(prefix))
    records = [fetched[key].record for key in keys if key in fetched]
    taken = max((f"{record.taken_at:%Y-%m-%d}" for record in records), default="")
    addresses_ = sorted({record.url for record in records if record.url})
    return Lot(
        source,
        vintage.millesime,
        vintage.cog,
        " ; ".join(paths[key].name for key in keys),
        " ; ".join(
            fetched[key].record.sha256 if key in fetched else digest(paths[key]) for key in keys
        ),
        vintage.donnees_au,
        vintage.publie_le,
        taken,
        vintage.estime,
        vintage.note,
        " ; ".join(addresses_) or "déposé à la main",
    )


def _communes(
    frame: Frame, paths: Mapping[str, Path], annee: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, str]:
    """Communes of France with their EPCI, the EPCI, the names of former communes, a note."""
    source, vintage = frame.communes
    if vintage.cog != annee:
        raise SourceUnavailableError(
            f"Source {source} : liste de {annee} attendue, {vintage.cog} au catalogue.",
            f"Donnez --year {vintage.cog}.",
        )
    lists = _of(source, vintage, paths)
    first, *others = (lists[file.nom] for file in vintage.fichiers)
    communes = geography.read_communes(first, annee)
    former = geography.read_former_communes(first, others[0] if others else None, annee)
    source, vintage = frame.epci
    (path,) = _of(source, vintage, paths).values()
    epci = geography.carry_epci(geography.read_epci(path, vintage.cog), annee)
    laid = geography.frame(communes, epci)
    # A few islands belong to no EPCI: they are their own, with no code.
    laid[["code_epci", "nom_epci"]] = laid[["code_epci", "nom_epci"]].fillna("")
    return laid, epci.epci, former, epci.note


def _outlines_reader(
    contours: tuple[str, Vintage], paths: Mapping[str, Path], annee: int
) -> Callable[[pd.Index], gpd.GeoDataFrame]:
    """Read the outlines when they are asked for: a table without a map needs none."""
    source, vintage = contours
    files = list(_of(source, vintage, paths).values())

    def read(codes: pd.Index) -> gpd.GeoDataFrame:
        from fragilite.ingestion.outlines import read_outlines

        layer = read_outlines(files, codes, vintage.cog, annee).set_index("code_insee")
        return layer.to_crs(projection_of({departement_of(str(code)) for code in codes}))

    return read
