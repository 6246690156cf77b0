"""Files of the publishers in ``data/raw``: taken, checked, kept, replaced with care.

A file is ``name.part`` while it comes, ``name.nouveau`` once its length, sha256 and content are
checked, and ``name`` once the caller has read it. ``sources.lock.json`` says what was taken, when
and from where; what no longer matches it is never used without a word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fragilite.errors import FragiliteError, SourceUnavailableError, UsageError
from fragilite.ingestion.archives import (
    UnexpectedContentError,
    check_content,
    check_nature,
    disk_error,
    extract_7z,
    open_member,
)
from fragilite.ingestion.lock import LOCK_NAME, Record, SourcesLock, digest, now
from fragilite.ingestion.progress import Lines, Reporter, octets
from fragilite.ingestion.web import (
    Client,
    Policy,
    RemoteFile,
    RequestError,
    beside,
    body_length,
    drop,
)
from fragilite.locking import alone

if TYPE_CHECKING:
    import requests

__all__ = [
    "CheckResult", "Fetched", "Policy", "RemoteFile", "check", "extract_7z", "fetch", "open_member",
]  # fmt: skip

Verify = Callable[[RemoteFile, Path], object]


@dataclass(frozen=True)
class Fetched:
    """A file ready to be read, and how it came to be.

    Its status is ``present`` (matches the lock file), ``downloaded``, ``updated``, ``unchanged``
    (asked again, the same) or ``adopted`` (dropped by hand); `change` says in French what changed.
    """

    file: RemoteFile
    path: Path
    record: Record
    status: Literal["present", "downloaded", "updated", "unchanged", "adopted"]
    change: str = ""


@dataclass(frozen=True)
class CheckResult:
    """Whether an address answers with the kind of file it should; `detail` says it in French."""

    file: RemoteFile
    answers: bool
    detail: str
    final_url: str = ""


def fetch(
    files: Sequence[RemoteFile],
    raw: Path,
    *,
    update: bool = False,
    offline: bool = False,
    frozen: bool = False,
    verify: Verify | None = None,
    reporter: Reporter | None = None,
    session: requests.Session | None = None,
    policy: Policy | None = None,
) -> list[Fetched]:
    """Have files in ``data/raw``: those that are there and match the lock file, or the publishers'.

    Parameters
    ----------
    files : sequence of RemoteFile
        What is wanted.
    raw : Path
        The folder ``data/raw``, or the one given by ``--raw``.
    update : bool
        Ask the publishers again and accept what changed; with `offline`, accept what was dropped
        by hand in place of a recorded file.
    offline : bool
        Open no socket.
    frozen : bool
        Take only files present that match the lock file; change nothing.
    verify : callable, optional
        Reads a file just taken, and raises `FragiliteError` if it cannot be used; a former file
        is replaced only afterwards.
    reporter : Reporter, optional
        Told of what happens; by default, sentences on standard error.
    session : requests.Session, optional
        Session to use, which must check certificates.
    policy : Policy, optional
        Manners and patience.

    Returns
    -------
    list of Fetched
        One per file, in the order of `files`.

    Raises
    ------
    SourceUnavailableError
        If a publisher is at fault, or if a file is absent and may not be asked for.
    FragiliteError
        If a file present does not match the lock file, or if one cannot be written.
    """
    if frozen and update:
        raise UsageError("--frozen et --update se contredisent.", "Gardez l'un des deux.")
    if len({file.key for file in files}) < len(set(files)):
        raise ValueError("two requests share one place")
    reporter = reporter or Lines()
    client = Client(policy or Policy(), reporter, session)
    task = _Task(raw, client, update, offline, frozen, verify)
    results: dict[RemoteFile, Fetched | FragiliteError] = {}
    try:
        task.read_lock()
        if not update:
            results |= {file: there for file in files if (there := task.settled(file))}
        if todo := [file for file in files if file not in results]:
            with task.hold():
                results |= client.spread(todo, task.take_or_fail)
    finally:
        client.close()
        reporter.close()
    if failures := {f: r for f, r in results.items() if isinstance(r, FragiliteError)}:
        raise _one_error(failures, reporter)
    return [taken for file in files if isinstance(taken := results[file], Fetched)]


def check(
    files: Sequence[RemoteFile],
    *,
    session: requests.Session | None = None,
    policy: Policy | None = None,
) -> list[CheckResult]:
    """Try each address once, without downloading, and say which answers with what it should.

    Parameters
    ----------
    files : sequence of RemoteFile
        The addresses.
    session, policy
        As for `fetch`.

    Returns
    -------
    list of CheckResult
        One per file, in the order of `files`; a fault is a result, not an exception.
    """
    client = Client(policy or Policy(), Lines(quiet=True), session)
    try:
        results = client.spread(files, lambda file: _probe(client, file))
    finally:
        client.close()
    return [results[file] for file in files]


@dataclass
class _Task:
    """One call of `fetch`: what it was asked for, and the lock file it keeps up to date."""

    raw: Path
    client: Client
    update: bool
    offline: bool
    frozen: bool
    verify: Verify | None
    lock: SourcesLock = field(default_factory=SourcesLock)
    placing: threading.RLock = field(default_factory=threading.RLock)

    def read_lock(self) -> None:
        """Read the lock file; if it is not legible, it is set aside once the folder is held."""
        try:
            self.lock = SourcesLock.read(self.raw)
        except FragiliteError:
            if self.frozen:
                raise

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes out of the folder, and read again the lock file they left."""
        with ExitStack() as stack:
            if not self.frozen:
                note = self.client.reporter.note
                try:
                    patience = self.client.policy.queue
                    stack.enter_context(
                        alone(self.raw, ".fetch.lock", patience, note, "fragilite fetch")
                    )
                    self.lock = SourcesLock.read_or_set_aside(self.raw, note)
                except OSError as error:
                    if not self.offline:  # Without network, a read-only folder is enough.
                        raise disk_error(self.raw, error) from error
            yield

    def settled(self, file: RemoteFile) -> Fetched | None:
        """Find the file, if it is there and matches the lock file."""
        record, path = self.lock.files.get(file.key), self.raw / file.key
        if record and path.is_file() and digest(path) == record.sha256:
            return Fetched(file, path, record, "present")
        return None

    def resettled(self, file: RemoteFile) -> Fetched | None:
        """End a replacement that was killed between the lock file and the file itself."""
        record, aside = self.lock.files.get(file.key), beside(self.raw / file.key, ".nouveau")
        if self.frozen or not record or not aside.is_file() or digest(aside) != record.sha256:
            return None
        aside.replace(self.raw / file.key)
        return self.settled(file)

    def take_or_fail(self, file: RemoteFile) -> Fetched | FragiliteError:
        """Have the file; a failure is returned, so that the other files are taken all the same."""
        try:
            return self.take(file)
        except FragiliteError as error:
            return error
        except OSError as error:
            return disk_error(self.raw / file.key, error)

    def take(self, file: RemoteFile) -> Fetched:
        """Have the file, from the folder or from its publisher."""
        path, record = self.raw / file.key, self.lock.files.get(file.key)
        there = self.settled(file) or self.resettled(file)
        if there and not self.update:
            return there
        exists = path.is_file()
        if exists and not self.frozen and (self.offline if self.update else record is None):
            return self.adopt(file, path)
        if exists and not self.update:
            expected = (
                f"sha256 {record.sha256[:12]} attendu" if record else "il n'y est pas inscrit"
            )
            raise FragiliteError(
                f"{path} ne correspond pas à {LOCK_NAME} : {expected}, {digest(path)[:12]} trouvé.",
                f"« {file.command} --update » le reprend chez le producteur ;"
                " avec --offline en plus, ce fichier-ci est accepté.",
            )
        if self.frozen or self.offline:
            option = "--frozen" if self.frozen else "--offline"
            raise SourceUnavailableError(
                f"{path} est absent, et {option} interdit de le télécharger.",
                f"Lancez « {file.command} » avec un accès au réseau, ou {_by_hand(path)}.",
            )
        return self.download(file, path, there)

    def adopt(self, file: RemoteFile, path: Path) -> Fetched:
        """Accept a file dropped by hand, once it is known to be of the right kind."""
        former, note = self.lock.files.get(file.key), self.client.reporter.note
        try:
            check_content(path, file.kind, file.members, file.max_unpacked)
        except UnexpectedContentError as error:
            raise UnexpectedContentError(
                f"{path} : {error.message}.",
                f"Supprimez-le, et « {file.command} » le prendra chez le"
                f" producteur ; ou {_by_hand(path)}.",
            ) from error
        record = _on_disk(path)
        if former and former.sha256 == record.sha256:
            return Fetched(file, path, former, "unchanged")
        if not self.update and (gap := _gap(file.sha256, file.size, record)):
            raise FragiliteError(
                f"{path} n'est pas le fichier du catalogue : {gap}.",
                f"« {file.command} --update --offline » l'accepte tel quel.",
            )
        change = _change(file, former, record)
        note(change or f"{path} : déposé à la main, pris tel quel.")
        try:
            self.keep(file, record)
        except OSError as error:
            note(f"{disk_error(self.raw / LOCK_NAME, error).message} Rien n'y est inscrit.")
        return Fetched(file, path, record, "adopted", change)

    def download(self, file: RemoteFile, path: Path, there: Fetched | None) -> Fetched:
        """Take the file from its publisher, check it, and put it in place."""
        locked, part = self.lock.files.get(file.key), beside(path, ".part")
        sha256, size = (locked.sha256, locked.size) if locked else (file.sha256, file.size)
        if self.update:
            sha256, size = "", None
        known, resumable = there.record if there else None, True
        while True:
            try:
                record, resumed = self.client.download(file, part, sha256, known)
            except RequestError as fault:
                if not fault.retry:
                    drop(part)
                raise _unavailable(file, path, fault.reason) from fault
            except OSError:
                drop(part)
                raise
            finally:
                self.client.reporter.done(file.key)
            if there and record.sha256 == there.record.sha256:
                drop(part)
                return Fetched(file, path, there.record, "unchanged")
            problem = _problem(file, path, part, _gap(sha256, size, record))
            if not problem:
                return self.place(file, path, part, record)
            drop(part)
            if not (resumed and resumable):
                raise problem
            resumable = False  # Two halves that do not match: once more, from the start.

    def place(self, file: RemoteFile, path: Path, part: Path, record: Record) -> Fetched:
        """Have the caller read the new file, say what changed, and only then replace the former."""
        aside = beside(path, ".nouveau")
        with self.placing:
            locked = self.lock.files.get(file.key)
            former = _on_disk(path, locked) if path.is_file() else locked
            change = _change(file, former, record)
            part.replace(aside)
            drop(part)
            try:
                if self.verify:
                    self.verify(file, aside)
            except FragiliteError as error:
                raise SourceUnavailableError(
                    f"{file.key}, pris chez le producteur, ne peut être lu : {error.message}",
                    f"Il est gardé sous {aside} ; ce qui était là avant est intact. {error.remedy}",
                ) from error
            if change:
                self.client.reporter.note(change)
            self.keep(file, record)
            aside.replace(path)
        return Fetched(file, path, record, "updated" if former and change else "downloaded", change)

    def keep(self, file: RemoteFile, record: Record) -> None:
        """Inscribe the file in the lock file."""
        with self.placing:
            self.lock.files[file.key] = record
            self.lock.write(self.raw)


def _probe(client: Client, file: RemoteFile) -> CheckResult:
    """Ask for the headers, then for the first bytes if headers do not settle it."""
    try:
        with client.open(file, method="HEAD") as response:
            if "html" not in response.headers.get("Content-Type", "html"):
                return _answer(file, response)
    except RequestError as fault:
        if fault.silent:
            return CheckResult(file, False, fault.reason)
    try:
        with client.open(file, {"Range": "bytes=0-4095"}) as response:
            check_nature(next(response.iter_content(4096), b""), file.kind)
            return _answer(file, response)
    except RequestError as fault:
        return CheckResult(file, False, fault.reason)
    except UnexpectedContentError as error:
        return CheckResult(file, False, error.message)


def _answer(file: RemoteFile, response: requests.Response) -> CheckResult:
    ranged = response.headers.get("Content-Range", "").rpartition("/")[2]
    size = int(ranged) if ranged.isdigit() else body_length(response)
    return CheckResult(file, True, f"répond, {octets(size)}" if size else "répond", response.url)


def _problem(file: RemoteFile, path: Path, part: Path, gap: str) -> SourceUnavailableError | None:
    """Say what keeps a whole body from being the file expected."""
    try:
        check_content(part, file.kind, file.members, file.max_unpacked)
    except UnexpectedContentError as error:
        return _unavailable(file, path, error.message)
    if gap:
        return SourceUnavailableError(
            f"{file.key} a changé chez le producteur : {gap}, à {file.url}.",
            f"« {file.command} --update » accepte le nouveau.",
        )
    return None


def _unavailable(file: RemoteFile, path: Path, reason: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"{file.key} : {reason}, à {file.url}.",
        f"Réessayez par « {file.command} », ou {_by_hand(path)}.",
    )


def _one_error(failures: Mapping[RemoteFile, FragiliteError], reporter: Reporter) -> FragiliteError:
    """Give the only failure, or sum several up once each is told."""
    if len(failures) == 1:
        return next(iter(failures.values()))
    for failure in failures.values():
        reporter.note(str(failure))
    unavailable = any(isinstance(error, SourceUnavailableError) for error in failures.values())
    return (SourceUnavailableError if unavailable else FragiliteError)(
        f"{len(failures)} fichiers manquent : {', '.join(file.key for file in failures)}.",
        "Relancez « fragilite fetch » : ce qui est déjà pris n'est pas redemandé.",
    )


def _by_hand(path: Path) -> str:
    return f"déposez le fichier sous {path}, ou donnez son dossier par --raw DOSSIER"


def _on_disk(path: Path, locked: Record | None = None) -> Record:
    """Describe a file that is there: by its record if it matches it, or else by its bytes."""
    sha256 = digest(path)
    if locked and locked.sha256 == sha256:
        return locked
    return Record(taken_at=now(), sha256=sha256, size=path.stat().st_size)


def _gap(sha256: str, size: int | None, record: Record) -> str:
    """Say how a file differs from the one expected; nothing if it does not."""
    if sha256 and sha256 != record.sha256:
        return f"sha256 {sha256[:12]} attendu, {record.sha256[:12]} trouvé"
    if not sha256 and size is not None and size != record.size:
        return f"{size} octets attendus, {record.size} trouvés"
    return ""


def _change(file: RemoteFile, former: Record | None, new: Record) -> str:
    """Say what a new file changes; nothing if it is the same."""
    if former is None:
        gap = _gap(file.sha256, file.size, new)
        return f"{file.key} n'est plus le fichier du catalogue : {gap}." if gap else ""
    if former.sha256 == new.sha256:
        return ""
    was, becomes = (r.last_modified or f"pris le {r.taken_at:%d/%m/%Y}" for r in (former, new))
    return (
        f"{file.key} change : {octets(former.size)} → {octets(new.size)},"
        f" sha256 {former.sha256[:12]} → {new.sha256[:12]}, {was} → {becomes}."
    )
