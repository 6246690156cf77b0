"""Requests with manners: the only code that opens a socket, used by `fetch` alone.

One User-Agent, timeouts, bounded tries that honour Retry-After, a pace per host, no way around TLS.
A body is written to ``name.part``; ``name.part.json`` says of which file, so that what a cut or a
kill left is resumed if the server still has the same file, and begun again otherwise.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import shutil
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import ValidationError

from fragilite.errors import UsageError
from fragilite.ingestion.archives import GIB, Kind
from fragilite.ingestion.lock import Record, now
from fragilite.ingestion.progress import Reporter, octets

T = TypeVar("T")

#: What a publisher reads in its logs: what asks, and why.
PURPOSE = "indice de fragilite numerique, donnees ouvertes"
CHUNK = 128 * 1024
MAX_REDIRECTS = 8
TRANSIENT = {408, 429, 500, 502, 503, 504}
#: Géoplateforme answers 400 now and then to a request that passes the next time.
TRANSIENT_400 = {"data.geopf.fr"}
_STATUSES = {
    401: "accès refusé (401)",
    403: "accès refusé (403)",
    404: "fichier absent de cette adresse (404)",
    410: "fichier retiré (410)",
    429: "trop de demandes (429)",
}


@dataclass(frozen=True)
class RemoteFile:
    """The request for one file of a publisher.

    Parameters
    ----------
    source, millesime, name : str
        Its place, ``data/raw/<source>/<millesime>/<name>``.
    url : str
        Its address.
    kind : Kind
        What its bytes must be.
    sha256, size : str, int, optional
        What the catalogue declares; the lock file prevails once the file was taken.
    members : tuple of str
        Names or globs of the archive members that must exist.
    max_bytes, max_unpacked : int
        Limits to what is transferred, and to what an archive may hold.
    per_minute : int, optional
        Most requests in any minute to this host (30 for Melodi), over all files.
    parallel : bool
        Whether the host may be asked for several files at once.

    Raises
    ------
    UsageError
        If a part of its place could lead out of ``data/raw``, or if the address is not of the web.
    """

    source: str
    millesime: str
    name: str
    url: str
    kind: Kind
    sha256: str = ""
    size: int | None = None
    members: tuple[str, ...] = ()
    max_bytes: int = 2 * GIB
    max_unpacked: int = 16 * GIB
    per_minute: int | None = None
    parallel: bool = False

    def __post_init__(self) -> None:
        for part in (self.source, self.millesime, self.name):
            if not re.fullmatch(r"[^\s./\\:][^/\\:]*", part):
                raise UsageError(f"« {part} » n'est pas un nom de fichier.")
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise UsageError(f"« {self.url} » n'est pas une adresse en https.")

    @property
    def key(self) -> str:
        """Its path under ``data/raw``, which names it in the lock file and in messages."""
        return f"{self.source}/{self.millesime}/{self.name}"

    @property
    def command(self) -> str:
        """Command that takes it, and no other vintage."""
        return f"fragilite fetch {self.source} --vintage {self.source}={self.millesime}"

    @property
    def host(self) -> str:
        """Server and port of its address."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Policy:
    """Manners and patience; waits are in seconds.

    Parameters
    ----------
    connect, read : float
        Waits for a connection, then for more bytes.
    attempts : int
        Tries of one file.
    backoff : float
        Wait after the first failed try, then doubled each time, unless the server says.
    patience : float
        All the waiting granted to one file between its tries.
    queue : float
        Wait for another process to leave the folder.
    workers : int
        Files served at once.
    clock, sleep : callable
        Time, for tests to replace; `sleep` defaults to a wait that an interruption cuts short.
    """

    connect: float = 10.0
    read: float = 60.0
    attempts: int = 5
    backoff: float = 2.0
    patience: float = 180.0
    queue: float = 1800.0
    workers: int = 4
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None


class RequestError(Exception):
    """A request that failed: why, whether another try may pass, and after how long.

    `silent` when the host did not even answer.
    """

    def __init__(
        self, reason: str, *, retry: bool = False, after: float | None = None, silent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.retry, self.after, self.silent = reason, retry, after, silent


class Client:
    """Sends the requests of one call.

    Parameters
    ----------
    policy : Policy
        Manners and patience.
    reporter : Reporter
        Told of each new try.
    session : requests.Session, optional
        Session to use, left open; it must check certificates.
    """

    _asked: ClassVar[defaultdict[str, deque[float]]] = defaultdict(deque)
    _pacing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, policy: Policy, reporter: Reporter, session: requests.Session | None = None
    ) -> None:
        from fragilite import __version__

        if session and session.verify is False:
            raise ValueError("the session must check certificates")
        self.policy, self.reporter = policy, reporter
        self._session = session or requests.Session()
        self._owned = session is None
        if self._owned:
            self._session.max_redirects = MAX_REDIRECTS
        self._agent = f"fragilite/{__version__} ({PURPOSE})"
        self._silent: set[str] = set()
        self._stop = threading.Event()

    def close(self) -> None:
        """Close the connections."""
        if self._owned:
            self._session.close()

    @contextmanager
    def open(
        self, file: RemoteFile, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Iterator[requests.Response]:
        """Send one request; what goes wrong, then or as the body is read, is a `RequestError`."""
        if file.host in self._silent:
            raise RequestError(f"{file.host} ne répond pas", silent=True)
        self._pace(file)
        # A body compressed on the way could be neither measured nor resumed.
        headers = {"User-Agent": self._agent, "Accept-Encoding": "identity", **(headers or {})}
        timeout = (self.policy.connect, self.policy.read)
        try:
            with self._session.request(
                method,
                file.url,
                headers=headers,
                stream=True,
                timeout=timeout,
                allow_redirects=True,
            ) as response:
                if file.url.startswith("https:") and not response.url.startswith("https:"):
                    raise RequestError(f"redirection sans TLS vers {response.url}, refusée")
                if response.status_code not in {200, 206, 304, 416}:
                    raise _refusal(file, response)
                yield response
        except requests.RequestException as error:
            raise _fault(error) from error

    def download(
        self, file: RemoteFile, part: Path, sha256: str = "", former: Record | None = None
    ) -> tuple[Record, bool]:
        """Bring a whole body into `part`, in as many requests as it takes.

        Parameters
        ----------
        file : RemoteFile
            What to ask for.
        part : Path
            Where to write it; left as it is after a fault, to be resumed by another call.
        sha256 : str
            Digest that the caller will check; with it, a body is resumed even from a server that
            gives neither ETag nor date.
        former : Record, optional
            The same file, already there: nothing is written if the server says it is unchanged.

        Returns
        -------
        Record, bool
            What was received, or `former` itself; and whether it is made of several parts.

        Raises
        ------
        RequestError
            If the last request allowed has failed.
        OSError
            If the disk refuses the body.
        """
        waited = 0.0
        for tries in itertools.count(1):
            try:
                return self._receive(file, part, sha256, former)
            except RequestError as fault:
                wait = (
                    self.policy.backoff * 2 ** (tries - 1) if fault.after is None else fault.after
                )
                over = tries == self.policy.attempts or waited + wait > self.policy.patience
                if over and fault.silent:
                    self._silent.add(file.host)
                if over or not fault.retry:
                    raise
                line = f"{file.key} : {fault.reason} ; nouvel essai dans {wait:.0f} s."
            self.reporter.note(line)
            (self.policy.sleep or self._stop.wait)(wait)
            self._check_stop()
            waited += wait
        raise AssertionError("the count has no end")

    def spread(
        self, files: Iterable[RemoteFile], work: Callable[[RemoteFile], T]
    ) -> dict[RemoteFile, T]:
        """Work on several files at once, but on one at a time where the host wants it so."""
        chains: defaultdict[str, list[RemoteFile]] = defaultdict(list)
        for file in dict.fromkeys(files):
            chains[file.key if file.parallel else file.host].append(file)
        with ThreadPoolExecutor(self.policy.workers) as pool:
            try:
                done = pool.map(lambda chain: [(f, work(f)) for f in chain], chains.values())
                return dict(pair for chain in done for pair in chain)
            except BaseException:
                self._stop.set()
                raise

    def _receive(
        self, file: RemoteFile, part: Path, sha256: str, former: Record | None
    ) -> tuple[Record, bool]:
        begun = _begun(file, part, sha256)
        offset = part.stat().st_size if begun else 0
        headers = {}
        if begun:
            headers = {"Range": f"bytes={offset}-", "If-Range": begun.validator}
        elif former:
            headers = {"If-None-Match": former.etag, "If-Modified-Since": former.last_modified}
        with self.open(file, {name: value for name, value in headers.items() if value}) as response:
            if former and response.status_code == 304:
                return former, False
            resumed = bool(begun and _continues(response, begun, offset))
            if not resumed:
                drop(part)
                offset = 0
                if response.status_code != 200:
                    reason = f"réponse {response.status_code} hors de propos"
                    raise RequestError(reason, retry=True, after=0)
            if file.kind == "gz":  # The file itself, even if the server calls it a coding.
                response.raw.headers.pop("Content-Encoding", None)
            length = body_length(response)
            total = None if length is None else offset + length
            if (total or 0) > file.max_bytes:
                raise _too_big(file)
            record = Record(
                taken_at=now(),
                url=file.url,
                final_url=response.url,
                size=total or 0,
                etag=response.headers.get("ETag", ""),
                last_modified=response.headers.get("Last-Modified", ""),
            )
            part.parent.mkdir(parents=True, exist_ok=True)
            if (length or 0) > shutil.disk_usage(part.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            beside(part, ".json").write_text(record.model_dump_json(), encoding="utf-8")
            self.reporter.start(file.key, total or file.size)
            self.reporter.advance(file.key, offset)
            record = self._pour(file, response, part, record)
        if total is not None and record.size != total:
            reason = f"corps incomplet, {octets(record.size)} reçus sur {octets(total)}"
            raise RequestError(reason, retry=True)
        return record, resumed

    def _pour(
        self, file: RemoteFile, response: requests.Response, part: Path, record: Record
    ) -> Record:
        """Add a body to what `part` holds; return the record with its true size and sha256."""
        with part.open("a+b") as stream:
            stream.seek(0)
            hasher = hashlib.file_digest(stream, "sha256")
            size = stream.tell()
            for chunk in response.iter_content(CHUNK):
                self._check_stop()
                size += len(chunk)
                if size > file.max_bytes:
                    raise _too_big(file)
                stream.write(chunk)
                hasher.update(chunk)
                self.reporter.advance(file.key, len(chunk))
            stream.flush()
            os.fsync(stream.fileno())
        return record.model_copy(update={"size": size, "sha256": hasher.hexdigest()})

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise CancelledError

    def _pace(self, file: RemoteFile) -> None:
        # A sliding minute rather than a bucket, which lets twice the rate through at first.
        while file.per_minute:
            with self._pacing:
                asked, now = self._asked[file.host], self.policy.clock()
                while asked and now - asked[0] >= 60:
                    asked.popleft()
                if len(asked) < file.per_minute:
                    asked.append(now)
                    return
                wait = 60 - (now - asked[0])
            (self.policy.sleep or self._stop.wait)(wait)
            self._check_stop()


def beside(path: Path, suffix: str) -> Path:
    """Add a suffix to the name of a file."""
    return path.with_name(path.name + suffix)


def drop(part: Path) -> None:
    """Remove a body that is not whole, and its note."""
    part.unlink(missing_ok=True)
    beside(part, ".json").unlink(missing_ok=True)


def body_length(response: requests.Response) -> int | None:
    """Read the length of a body, unless a coding hides it."""
    length = response.raw.headers.get("Content-Length", "")
    coded = "Content-Encoding" in response.raw.headers
    return int(length) if length.isdigit() and not coded else None


def _begun(file: RemoteFile, part: Path, sha256: str) -> Record | None:
    """Read what a former request left, if its end may be asked for and a mistake would be seen."""
    try:
        begun = Record.model_validate_json(beside(part, ".json").read_bytes())
        partial = 0 < part.stat().st_size < begun.size
    except (OSError, ValidationError):
        return None
    checkable = begun.url == file.url and (begun.validator or sha256)
    return begun if partial and checkable else None


def _continues(response: requests.Response, begun: Record, offset: int) -> bool:
    """Tell whether a response is the end of the same file."""
    return (
        response.status_code == 206
        and response.headers.get("Content-Range") == f"bytes {offset}-{begun.size - 1}/{begun.size}"
        and response.headers.get("ETag", "") == begun.etag
    )


def _too_big(file: RemoteFile) -> RequestError:
    return RequestError(f"plus que les {octets(file.max_bytes)} admis, refusé")


def _refusal(file: RemoteFile, response: requests.Response) -> RequestError:
    status = response.status_code
    reason = _STATUSES.get(status, f"réponse {status} du serveur")
    after = _retry_after(response.headers.get("Retry-After", ""))
    if after is not None:
        reason += f", qui demande d'attendre {after:.0f} s"
    retry = status in TRANSIENT or (status == 400 and file.host in TRANSIENT_400)
    return RequestError(reason, retry=retry, after=after)


def _retry_after(value: str) -> float | None:
    """Seconds asked by a Retry-After header, which gives them or a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _fault(error: requests.RequestException) -> RequestError:
    """Say in French what `requests` raised."""
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error):
        return RequestError(
            "certificat non reconnu (derrière un proxy d'entreprise, indiquez le sien par"
            " REQUESTS_CA_BUNDLE)"
        )
    if isinstance(error, requests.TooManyRedirects):
        return RequestError("trop de redirections, l'adresse tourne en rond")
    if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.TimeoutError):
        return RequestError("délai dépassé sans réponse du serveur", retry=True, silent=True)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return RequestError("connexion coupée avant la fin", retry=True)
    if isinstance(error, requests.ConnectionError):
        return RequestError("connexion impossible", retry=True, silent=True)
    return RequestError(f"requête impossible ({error})")
