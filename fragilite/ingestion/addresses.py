"""Where each file of the catalogue is to be asked for, once the publishers' APIs have answered.

INSEE's Melodi and data.gouv.fr say themselves which file is the latest: their answer is taken as
any other file (polite, checked, inscribed in the lock file) and kept beside it as evidence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.web import RemoteFile

MELODI = "https://api.insee.fr/melodi"
DATAGOUV = "https://www.data.gouv.fr/api/1/datasets"
#: Melodi answers 429 beyond.
MELODI_PER_MINUTE = 30
#: Hosts that serve several files at once without complaint (object storage behind them).
PARALLEL = ("data.arcep.fr", "object.data.gouv.fr", "static.data.gouv.fr")
#: An answer of an API is a page of JSON.
DESCRIPTION_MAX = 32 * 1024**2

Read = Callable[[RemoteFile], Path]
"""Have a small file and give its path."""


def mirrored(url: str) -> str:
    """An address behind ``$FRAGILITE_MIROIR``, a server that holds copies by host and path.

    Examples
    --------
    >>> mirrored("https://data.arcep.fr/a.csv")
    'https://data.arcep.fr/a.csv'
    """
    mirror = os.environ.get("FRAGILITE_MIROIR", "").rstrip("/")
    if not mirror:
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{mirror}/{parts.netloc}{parts.path}{query}"


def request(source: str, vintage: Vintage, file: RawFile, url: str) -> RemoteFile:
    """What to ask for, once the address is known.

    Raises
    ------
    UsageError
        If the catalogue has none: the file can only be dropped by hand.
    """
    if not url:
        raise UsageError(
            f"{file.nom} n'a pas d'adresse au catalogue.",
            f"Déposez-le sous {source}/{vintage.millesime} dans data/raw.",
        )
    host = urlsplit(url).netloc
    return RemoteFile(
        source,
        vintage.millesime,
        file.nom,
        mirrored(url),
        file.genre,
        sha256=file.sha256,
        members=file.membres,
        per_minute=MELODI_PER_MINUTE if host == urlsplit(MELODI).netloc else None,
        parallel=host in PARALLEL,
    )


def address(source: str, vintage: Vintage, file: RawFile, read: Read) -> str:
    """Address of a file, asked of the publisher's API where the catalogue says so.

    Parameters
    ----------
    read : callable
        Has the answer of an API.

    Raises
    ------
    SourceUnavailableError
        If the API does not name exactly one file that fits.
    """
    if file.melodi:
        return _melodi(source, vintage, file, read)
    if file.datagouv:
        return _datagouv(source, vintage, file, read)
    return file.url


def landing(file: RawFile) -> str:
    """The address known without asking: the file's own, or that of the API that names it."""
    if file.melodi:
        return f"{MELODI}/catalog/{file.melodi}"
    if file.datagouv:
        return f"{DATAGOUV}/{file.datagouv}/"
    return file.url


def _description(source: str, vintage: Vintage, file: RawFile, read: Read) -> dict[str, Any]:
    """What the API says of a data set."""
    asked = RemoteFile(
        source,
        vintage.millesime,
        f"{file.melodi or file.datagouv}.json",
        mirrored(landing(file)),
        "json",
        max_bytes=DESCRIPTION_MAX,
        per_minute=MELODI_PER_MINUTE if file.melodi else None,
    )
    text = read(asked).read_text(encoding="utf-8", errors="replace")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise SourceUnavailableError(
            f"{landing(file)} : la réponse de l'API n'est pas celle attendue ({text[:60]!r}).",
            f"Déposez {file.nom} sous {source}/{vintage.millesime} dans data/raw, ou passez-vous "
            f"de la source par --without {source}.",
        )
    return answer


def _items(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Records under a key, whether the API gives a list or a single one."""
    found = answer.get(key) or []
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]


def _melodi(source: str, vintage: Vintage, file: RawFile, read: Read) -> str:
    """Address of the CSV in French of a vintage, among the products of a Melodi data set."""
    products = _items(_description(source, vintage, file, read), "product")
    tables = [
        product
        for product in products
        if product.get("format") == "CSV" and product.get("language") == "FR"
    ]
    dated = [p for p in tables if vintage.millesime[:4] in str(p.get("id", ""))]
    undated = [p for p in tables if not re.search(r"(19|20)\d\d", str(p.get("id", "")))]
    found = dated or undated
    if len(found) == 1 and found[0].get("accessURL"):
        return urljoin(f"{MELODI}/", str(found[0]["accessURL"]))
    offered = ", ".join(str(p.get("id")) for p in products) or "rien"
    raise SourceUnavailableError(
        f"Melodi, jeu {file.melodi} : un fichier CSV en français de {vintage.millesime[:4]} "
        f"attendu, trouvé {offered}.",
        f"Déposez {file.nom} sous {source}/{vintage.millesime} dans data/raw, ou prenez un autre "
        f"millésime : --vintage {source}=…",
    )


def _datagouv(source: str, vintage: Vintage, file: RawFile, read: Read) -> str:
    """Address of the one main resource whose title fits, among those of a data.gouv.fr data set."""
    resources = _items(_description(source, vintage, file, read), "resources")
    main = [resource for resource in resources if resource.get("type", "main") == "main"]
    found = [r for r in main if re.search(file.titre, str(r.get("title", "")), re.IGNORECASE)]
    if len(found) == 1 and found[0].get("url"):
        return str(found[0]["url"])
    offered = ", ".join(str(r.get("title")) for r in main[:8]) or "rien"
    raise SourceUnavailableError(
        f"data.gouv.fr, jeu {file.datagouv} : une seule ressource intitulée « {file.titre} » "
        f"attendue, {len(found)} trouvée(s) parmi : {offered}.",
        f"Déposez {file.nom} sous {source}/{vintage.millesime} dans data/raw.",
    )
