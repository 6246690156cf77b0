"""The publishers' own files: which ones a build needs, had, and read into tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.cog import LAST_YEAR, departement_of, projection_of
from fragilite.errors import FragiliteError, SourceUnavailableError, UsageError
from fragilite.ingestion import addresses, filosofi, geography, iris, qpv
from fragilite.ingestion.archives import check_content
from fragilite.ingestion.bundled import bundled_departements
from fragilite.ingestion.catalogue import RawFile, Source, Vintage, load_sources, totals
from fragilite.ingestion.fetch import CheckResult, Fetched, RemoteFile, check, fetch
from fragilite.ingestion.lock import SourcesLock, digest
from fragilite.ingestion.lots import Gathered, GatheredIris, Lot
from fragilite.ingestion.options import Needs, Options
from fragilite.ingestion.progress import Reporter, octets, reporter
from fragilite.ingestion.readers import READERS
from fragilite.ingestion.recognition import FRAME_FITS, Wanted, recognise
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
#: Figures by IRIS (the first says which IRIS there are), and their outlines.
IRIS, CONTOURS_IRIS = ("insee_rp_iris", "insee_filosofi_iris"), "contours_iris"


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
    sources = {name: source for name, source in load_sources().items() if not source.iris_de}
    _check_names(load_sources(), options)
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
    lock = SourcesLock.read_if_legible(options.raw or raw_dir())
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
    for one in wanted:
        if one.key in by_hand and _settle(by_hand[one.key], raw / one.key, one.file):
            del by_hand[one.key]

    def ask(file: RemoteFile) -> Path:
        blind = options.offline or options.frozen
        return fetch(
            [file], raw, update=not blind, offline=options.offline, frozen=options.frozen,
            reporter=reporter(quiet=True),
        )[0].path  # fmt: skip

    requests = []
    for one in wanted:
        if one.key in by_hand:
            continue
        there = (raw / one.key).is_file()
        silent = options.offline or options.frozen or (there and not update)
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


def _settle(path: Path, place: Path, file: RawFile) -> bool:
    """Give a file dropped by hand its place too, so that it is inscribed in the lock file.

    It stays where it is, and is used from there, if it is not of the publisher's own form (a table
    taken out of its archive) or if the folder cannot be written in.
    """
    try:
        check_content(path, file.genre, file.membres)
        if file.sha256 and digest(path) != file.sha256:
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.hardlink_to(path)
        except OSError:
            shutil.copy2(path, place)
    except (FragiliteError, OSError):
        return False
    return True


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
    """Read a file just taken: the former one is replaced only if this one can be used.

    Raises
    ------
    FragiliteError
        If it cannot be read, or is less than half of the former one: it is cut short.
    """
    one = wanted[file.key]
    former = path.with_name(one.file.nom)
    if former.is_file() and path.stat().st_size < former.stat().st_size / 2:
        raise FragiliteError(
            f"{octets(path.stat().st_size)} au lieu de {octets(former.stat().st_size)} : il est "
            "sans doute tronqué.",
            f"S'il a vraiment changé, supprimez {former} et relancez.",
        )
    if one.source in READERS and (one.file.colonnes or one.file.cellules):
        filo_epci = one.source == FILOSOFI and filosofi.is_epci(one.file)
        read = filosofi.read_epci if filo_epci else READERS[one.source]
        read(one.source, one.vintage, {one.file.nom: path})
    elif one.source in FRAME_FITS and not FRAME_FITS[one.source](path, one):
        raise FragiliteError("Ce n'est pas le fichier attendu.")


def expanded(files: Sequence[RawFile], territory: Territory | None) -> list[RawFile]:
    """Files of a vintage, those given one a département being repeated for each."""
    found = []
    for file in files:
        if "{departement}" not in file.nom:
            found.append(file)
            continue
        if territory is None or not territory.departements:
            raise UsageError(
                f"{file.nom} se prend par département.", "Donnez --dept, comme --dept 49."
            )
        for code in territory.departements:
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
    needs: Needs | None = None,
) -> list[Path]:
    """Have the files of some sources: the newest vintage, or the one pinned.

    Parameters
    ----------
    names : sequence of str
        Keys of the catalogue; none is what a build with these `needs` reads.
    """
    vintages = _newest(names, options)
    if needs is not None and not names:
        vintages = [*frame_vintages(LAST_YEAR, options), *plan(needs, options)]
    paths, _ = obtain(vintages, options, update=update, territory=territory)
    return sorted(paths.values())


def _newest(names: Sequence[str], options: Options) -> list[tuple[str, Vintage]]:
    sources = load_sources()
    known = [name for name, source in sources.items() if source.millesimes]
    for name in names:
        if name not in known:
            raise UsageError(
                f"Source inconnue : « {name} ».", f"Sources à télécharger : {', '.join(known)}."
            )
    _check_names(sources, options)
    return [(name, _candidates(name, sources[name], options)[0]) for name in names]


def check_addresses(names: Sequence[str]) -> list[CheckResult]:
    """Try the address of each file of some sources, every vintage, without downloading."""
    sources = load_sources()
    _newest(names, Options())
    results, requests = [], {}
    with TemporaryDirectory() as folder:

        def ask(file: RemoteFile) -> Path:
            return fetch([file], Path(folder), reporter=reporter(quiet=True))[0].path

        for name in names or [name for name, source in sources.items() if source.millesimes]:
            for vintage in sources[name].millesimes:
                for file in expanded(vintage.fichiers, parse_territory("49")):
                    if not addresses.landing(file):
                        continue  # by hand only
                    try:
                        url = addresses.address(name, vintage, file, ask)
                    except FragiliteError as error:
                        asked = addresses.request(name, vintage, file, addresses.landing(file))
                        results.append(CheckResult(asked, False, error.message))
                        continue
                    request = addresses.request(name, vintage, file, url)
                    requests[request.key] = request
    return sorted([*results, *check(list(requests.values()))], key=lambda one: one.file.key)


# --- reading them ----------------------------------------------------------------------------


def gather(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """Have and read the publishers' files for a territory.

    Raises
    ------
    SourceUnavailableError
        If a publisher is at fault, or a file has not the layout of the catalogue.
    """
    frame, planned = frame_vintages(annee, options), plan(needs, options)
    scored = [one for one in planned if _is_needed(one, needs)]
    paths, fetched = obtain([*frame, *scored], options, territory=territory)
    communes, epci, anciennes, note = _communes(frame, paths, annee)
    contours = _outlines_reader(frame.contours, paths, annee)
    chosen = territory.select(communes).index
    lots, notes = [], []
    for source, vintage in planned:
        try:
            if (source, vintage) not in scored:
                more, taken = obtain([(source, vintage)], options, territory=territory)
                paths, fetched = paths | more, fetched | taken
            lots.append(_lot_and_table(source, vintage, paths, fetched, contours, chosen, annee))
        except SourceUnavailableError as error:
            if (source, vintage) in scored or options.frozen:
                raise
            notes.append(f"Source {source} indisponible, ses chiffres sont absents : {error}")
    parts = [lot_of(source, vintage, paths, fetched) for source, vintage in frame]
    parts[1] = replace(parts[1], note=" ".join(filter(None, [parts[1].note, note])))
    medians = [
        filosofi.read_epci(source, vintage, paths_of(source, vintage, paths))
        for source, vintage in scored
        if source == FILOSOFI
    ]
    return Gathered(communes, epci, anciennes, contours, lots, parts, medians, notes)


def _is_needed(planned: tuple[str, Vintage], needs: Needs) -> bool:
    """Whether a build cannot do without a vintage: population, scored figures and their weights.

    A source of context that is down does not stop a build: what it would have said is absent.
    """
    source, vintage = planned
    given = offered(load_sources()[source], vintage)
    weights = {
        record.poids
        for one in load_sources().values()
        for name, record in one.variables.items()
        if name in needs.scored and record.poids
    }
    return bool(given & (needs.scored | weights | {"pop"}))


def _lot_and_table(
    source: str,
    vintage: Vintage,
    paths: Mapping[str, Path],
    fetched: Mapping[str, Fetched],
    contours: Callable[[pd.Index], gpd.GeoDataFrame],
    chosen: pd.Index,
    annee: int,
) -> tuple[Lot, Table]:
    """Read a vintage, with its provenance."""
    lot = lot_of(source, vintage, paths, fetched)
    if source == COVERAGE:
        table, notes = _coverage(source, vintage, paths, contours(chosen), annee)
        return replace(lot, note=" ".join([lot.note, *notes])), table
    return lot, READERS[source](source, vintage, paths_of(source, vintage, paths))


def _coverage(
    source: str, vintage: Vintage, paths: Mapping[str, Path], contours: gpd.GeoDataFrame, annee: int
) -> tuple[Table, list[str]]:
    """Measure the 4G coverage on the outlines of the communes wanted."""
    from fragilite.ingestion.mobile_coverage import measure

    measured = measure(source, vintage, paths_of(source, vintage, paths), contours, annee)
    return measured.table, list(measured.notes)


def paths_of(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> dict[str, Path]:
    """Paths of one vintage, by the name of the file."""
    prefix = f"{source}/{vintage.millesime}/"
    return {key.removeprefix(prefix): path for key, path in paths.items() if key.startswith(prefix)}


def lot_of(
    source: str, vintage: Vintage, paths: Mapping[str, Path], fetched: Mapping[str, Fetched]
) -> Lot:
    """Provenance of a vintage: its files, their digests, where and when they were taken."""
    prefix = f"{source}/{vintage.millesime}/"
    keys = sorted(key for key in paths if key.startswith(prefix))
    records = [fetched[key].record for key in keys if key in fetched]
    by_hand = [paths[key].stat().st_mtime for key in keys if key not in fetched]
    dates = [record.taken_at for record in records]
    dates += [datetime.fromtimestamp(moment, UTC) for moment in by_hand]
    taken = max((f"{moment:%Y-%m-%d}" for moment in dates), default="")
    addresses_ = sorted({record.url for record in records if record.url})
    files = [
        (paths[key].name, fetched[key].record.sha256 if key in fetched else digest(paths[key]))
        for key in keys
    ]
    origine = " ; ".join(addresses_) or "déposé à la main, millésime déclaré par le catalogue"
    return Lot.of(source, vintage, files, taken, origine)


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
    communes, former = _names(source, vintage, paths, annee)
    source, vintage = frame.epci
    (path,) = paths_of(source, vintage, paths).values()
    epci = geography.carry_epci(geography.read_epci(path, vintage.cog), annee)
    laid = geography.frame(communes, epci)
    # A few islands belong to no EPCI: they are their own, with no code.
    laid[["code_epci", "nom_epci"]] = laid[["code_epci", "nom_epci"]].fillna("")
    return laid, epci.epci, former, epci.note


def _names(
    source: str, vintage: Vintage, paths: Mapping[str, Path], annee: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Communes of France, and the names of former ones."""
    lists = paths_of(source, vintage, paths)
    first, *others = (lists[file.nom] for file in vintage.fichiers)
    former = geography.read_former_communes(first, others[0] if others else None, annee)
    return geography.read_communes(first, annee), former


def commune_names(options: Options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Communes of France of the last geography, and the names of former ones: nothing else is read.

    Returns
    -------
    tuple of DataFrame
        As :func:`fragilite.ingestion.geography.read_communes` and
        :func:`fragilite.ingestion.geography.read_former_communes`.

    Raises
    ------
    SourceUnavailableError
        If INSEE's list is absent and may not be asked for.
    """
    source, vintage = _frame_part(COMMUNES, LAST_YEAR, options)
    try:
        paths, _ = obtain([(source, vintage)], options)
    except SourceUnavailableError as error:  # its remedies are those of a build
        folder = options.raw or raw_dir()
        names = " et ".join(file.nom for file in vintage.fichiers)
        raise SourceUnavailableError(
            f"Noms des communes : il faut {names} dans {folder}.",
            f"Prenez-les : fragilite fetch {source} --raw {folder}",
        ) from error
    return _names(source, vintage, paths, LAST_YEAR)


def _outlines_reader(
    contours: tuple[str, Vintage], paths: Mapping[str, Path], annee: int
) -> Callable[[pd.Index], gpd.GeoDataFrame]:
    """Read the outlines when they are asked for: a table without a map needs none."""
    source, vintage = contours
    files = list(paths_of(source, vintage, paths).values())

    def read(codes: pd.Index) -> gpd.GeoDataFrame:
        from fragilite.ingestion.outlines import read_outlines

        layer = read_outlines(files, codes, vintage.cog, annee).set_index("code_insee")
        return layer.to_crs(projection_of({departement_of(str(code)) for code in codes}))

    return read


# --- by IRIS ---------------------------------------------------------------------------------


def gather_iris(
    territory: Territory,
    communes: pd.Index,
    annee: int,
    needs: Needs,
    options: Options,
    *,
    wanted: bool,
) -> GatheredIris | None:
    """Have and read the publishers' files by IRIS: those at hand, or those of use if wanted.

    See :func:`fragilite.ingestion.gather.gather_iris`.
    """
    lots: list[tuple[Lot, Table]] = []
    types = pd.Series(dtype="str")
    for source in IRIS:
        known = _of_use(source, needs, options)
        vintages = _at_hand(source, known, options) or (known if wanted else [])
        for vintage in vintages:
            try:
                paths, fetched = obtain([(source, vintage)], options, territory=territory)
            except SourceUnavailableError:
                if source == IRIS[0]:
                    raise
                continue  # the next vintage; without any, the figures are the commune's, flagged
            here = paths_of(source, vintage, paths)
            lots.append((lot_of(source, vintage, paths, fetched), iris.read(source, vintage, here)))
            if source == IRIS[0]:
                types = iris.read_types(source, vintage, here)
            break
        if not lots:
            if wanted:
                raise iris.nothing_at_hand(territory.libelle)
            return None
    codes, cog = lots[0][1].values.index, lots[0][0].cog
    frame = pd.DataFrame({"nom_iris": "", "type_iris": types.reindex(codes)}, index=codes)
    frame["code_insee"] = iris.carried(codes, cog, annee)
    inside = communes.get_indexer(pd.Index(frame["code_insee"])) >= 0
    found = GatheredIris(frame[inside], lots)
    if wanted:
        return with_outlines(found, communes, options)
    return replace(found, quartiers=partial(quartiers_at_hand, found, communes, options))


def _of_use(source: str, needs: Needs, options: Options) -> list[Vintage]:
    """Vintages of a source by IRIS, each with the files that a build reads."""
    if source in options.without:
        return []
    read = set(needs.variables).union({"pop"}, *needs.volume)
    read |= {total for total, parts in totals().items() if parts & read}
    found = [
        vintage.model_copy(
            update={"fichiers": [file for file in vintage.fichiers if read & {*file.colonnes}]}
        )
        for vintage in _candidates(source, load_sources()[source], options)
    ]
    return [vintage for vintage in found if vintage.fichiers]


def _at_hand(source: str, vintages: Sequence[Vintage], options: Options) -> list[Vintage]:
    """The newest vintage whose first file is in the folder of raw files, with those that are."""
    raw = options.raw or raw_dir()
    wanted = [Wanted(source, vintage, file) for vintage in vintages for file in vintage.fichiers]
    known = set() if options.frozen else set(recognise(raw, wanted))
    known |= {one.key for one in wanted if (raw / one.key).is_file()}
    for vintage in vintages:
        files = [f for f in vintage.fichiers if Wanted(source, vintage, f).key in known]
        if files and files[0] == vintage.fichiers[0]:
            return [vintage.model_copy(update={"fichiers": files})]
    return []


def with_outlines(found: GatheredIris, communes: pd.Index, options: Options) -> GatheredIris:
    """Names and outlines of the IRIS, where their file is at hand: 90 MB, never fetched unasked.

    Parameters
    ----------
    communes : Index of str
        Those of the territory: one that is not split is outlined as one IRIS.
    """
    source, cog = CONTOURS_IRIS, found.lots[0][0].cog
    known = [v for v in _candidates(source, load_sources()[source], options) if v.cog == cog]
    vintages = _at_hand(source, known if source not in options.without else [], options)
    if not vintages:
        return found
    paths, fetched = obtain([(source, vintages[0])], options)
    (path,) = paths_of(source, vintages[0], paths).values()
    shapes = iris.read_outlines(path, [*found.frame.index, *(communes + iris.WHOLE)])

    def contours(codes: pd.Index) -> gpd.GeoDataFrame:
        homes = {departement_of(str(code)[:5]) for code in codes}
        return shapes.reindex(codes).to_crs(projection_of(homes))

    names = shapes["nom_iris"].reindex(found.frame.index).fillna(found.frame["nom_iris"])
    lot = lot_of(source, vintages[0], paths, fetched)
    found = replace(
        found, frame=found.frame.assign(nom_iris=names), contours=contours, outlines=[lot]
    )
    return _with_quartiers(found, shapes.geometry, options)


def _quartiers_vintages(options: Options) -> list[tuple[str, Vintage]]:
    """The newest perimeters of the priority neighbourhoods at hand: never fetched unasked."""
    if qpv.SOURCE in options.without:
        return []
    known = _candidates(qpv.SOURCE, load_sources()[qpv.SOURCE], options)
    return [(qpv.SOURCE, vintage) for vintage in _at_hand(qpv.SOURCE, known, options)]


def _with_quartiers(found: GatheredIris, shapes: gpd.GeoSeries, options: Options) -> GatheredIris:
    """What of each IRIS is in a priority neighbourhood, where their file is at hand."""
    vintages = _quartiers_vintages(options)
    if not vintages or shapes.empty:
        return found
    paths, fetched = obtain(vintages, options)
    source, vintage = vintages[0]
    (path,) = paths_of(source, vintage, paths).values()
    west, south, east, north = shapes.total_bounds
    table = qpv.shares(shapes, qpv.read_outlines(path, (west, south, east, north)))
    lot = lot_of(source, vintage, paths, fetched)
    return replace(found, outlines=[*found.outlines, lot], quartiers=lambda: table)


def quartiers_at_hand(
    found: GatheredIris, communes: pd.Index, options: Options
) -> pd.DataFrame | None:
    """Read what of each IRIS is in a priority neighbourhood, where both outlines are at hand.

    Parameters
    ----------
    communes : Index of str
        As for :func:`with_outlines`.
    """
    if not _quartiers_vintages(options):
        return None
    return with_outlines(found, communes, options).quartiers()
