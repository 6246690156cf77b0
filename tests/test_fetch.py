"""Every fault a publisher, a network, a disk or another process can have, on a local server."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import itertools
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fragilite.errors import FragiliteError, SourceUnavailableError, UsageError
from fragilite.ingestion import fetch as fetching
from fragilite.ingestion.archives import UnexpectedContentError
from fragilite.ingestion.fetch import (
    Policy,
    RemoteFile,
    check,
    extract_7z,
    fetch,
    open_member,
)
from fragilite.ingestion.progress import Bars, Lines, reporter

ROOT = Path(__file__).parents[1]
CSV = b"CODGEO;P22_POP\n49007;157555\n"
PAGE = b"<!DOCTYPE html><html><head><title>Site en\n maintenance</title></head></html>"


class Clock:
    """Time that passes only when someone waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def policy(self, read: float = 5.0, workers: int = 4) -> Policy:
        return Policy(
            connect=1, read=read, workers=workers, clock=lambda: self.now, sleep=self.sleep
        )


class Told(Lines):
    """Remembers what the user would have seen."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.bytes: dict[str, int] = {}
        self.totals: dict[str, int | None] = {}
        self.ended: list[str] = []

    def start(self, name: str, total: int | None) -> None:
        self.bytes[name], self.totals[name] = 0, total

    def advance(self, name: str, count: int) -> None:
        self.bytes[name] += count

    def done(self, name: str) -> None:
        self.ended.append(name)

    def note(self, line: str) -> None:
        self.notes.append(line)


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def incompressible(size: int) -> bytes:
    return b"".join(
        hashlib.sha256(bytes([n % 251, n // 251 % 251])).digest() for n in range(size // 32)
    )


BODY = CSV + incompressible(400_000).hex().encode()
"""Some 800 kB of text: several chunks."""


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> Iterator[HTTPServer]:
    yield running
    running.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def at(
    server: HTTPServer, name: str = "pop.csv", kind: str = "csv", **options: object
) -> RemoteFile:
    return RemoteFile("insee_rp", "2022", name, server.url_for(f"/{name}"), kind, **options)


def serve(
    server: HTTPServer, *answers: Response | Callable[[Request], Response], name: str = "pop.csv"
) -> list[Request]:
    """Answer each request in turn, the last answer for ever; return the requests received."""
    asked: list[Request] = []
    turns = itertools.chain(answers, itertools.repeat(answers[-1]))

    def handle(request: Request) -> Response:
        asked.append(request)
        answer = next(turns)
        return answer if isinstance(answer, Response) else answer(request)

    server.expect_request(f"/{name}").respond_with_handler(handle)
    return asked


def resumable(body: bytes, etag: str = '"v1"') -> Callable[[Request], Response]:
    """A server that knows ranges and validators."""

    def answer(request: Request) -> Response:
        headers = {"ETag": etag} if etag else {}
        if etag and request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers=headers)
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and request.headers.get("If-Range", etag) == etag:
            start = int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return Response(body[start:], status=206, headers=headers)
        return Response(body, headers=headers)

    return answer


def tail(etag: str, total: int) -> Callable[[Request], Response]:
    """A server that sends the end of another body without a word."""

    def answer(request: Request) -> Response:
        start = int(request.headers["Range"][6:-1])
        headers = {"ETag": etag, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
        return Response(bytes(total - start), status=206, headers=headers)

    return answer


def cut(body: bytes, sent: int, **headers: str) -> Response:
    """A body announced whole and cut after `sent` bytes."""
    return Response(iter([body[:sent]]), headers={"Content-Length": str(len(body)), **headers})


def status(code: int, **headers: str) -> Response:
    return Response(
        "non", status=code, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def locked(raw: Path) -> dict[str, dict[str, object]]:
    return json.loads((raw / "sources.lock.json").read_text("utf-8"))["files"]


def left(raw: Path) -> set[str]:
    """What is in the folder, apart from the lock file and the guard."""
    files = {path.name for path in raw.rglob("*") if path.is_file()}
    return files - {"sources.lock.json", ".fetch.lock"}


def refused(error: FragiliteError, *words: str) -> None:
    """One French line, which says where, what, and what repairs it."""
    assert "\n" not in str(error)
    assert error.remedy
    for word in words:
        assert word in str(error)


# --- the ordinary way -------------------------------------------------------------------------


def test_a_file_is_taken_once_and_recorded(server, raw, told, clock):
    asked = serve(server, Response(CSV, headers={"ETag": '"a"', "Last-Modified": "hier"}))
    file = at(server, sha256=hashlib.sha256(CSV).hexdigest(), size=len(CSV))
    (first,) = fetch([file], raw, reporter=told, policy=clock.policy())
    assert (first.status, first.path.read_bytes()) == ("downloaded", CSV)
    assert first.path == raw / "insee_rp/2022/pop.csv"
    record = locked(raw)[file.key]
    assert datetime.now(UTC) - datetime.fromisoformat(str(record.pop("taken_at"))) < timedelta(
        minutes=1
    )
    assert record == {
        "url": file.url,
        "final_url": file.url,
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "size": len(CSV),
        "etag": '"a"',
        "last_modified": "hier",
    }
    assert told.bytes == told.totals == {file.key: len(CSV)}
    assert told.ended == [file.key]
    assert left(raw) == {"pop.csv"}
    assert re.fullmatch(r"fragilite/[0-9.]+ \([a-z ,]+\)", asked[0].headers["User-Agent"])
    assert asked[0].headers["Accept-Encoding"] == "identity"

    (again,) = fetch([file], raw, policy=clock.policy())
    assert again.status == "present"
    assert len(asked) == 1


def test_redirections_are_followed_and_recorded(server, raw, clock):
    server.expect_request("/pop.csv").respond_with_response(status(302, Location="/ailleurs.csv"))
    server.expect_request("/ailleurs.csv").respond_with_data(CSV)
    (taken,) = fetch([at(server)], raw, policy=clock.policy())
    assert taken.record.url.endswith("/pop.csv")
    assert taken.record.final_url.endswith("/ailleurs.csv")


@pytest.mark.parametrize("parallel", [False, True])
def test_a_host_serves_several_files_only_where_it_may(server, raw, clock, parallel):
    gate = threading.Barrier(3, timeout=10 if parallel else 0.1)
    together = []

    def answer(request: Request) -> Response:
        try:
            gate.wait()
            together.append(True)
        except threading.BrokenBarrierError:
            together.append(False)
            gate.reset()
        return Response(CSV)

    for name in "abc":
        serve(server, answer, name=name)
    files = [at(server, name, parallel=parallel) for name in "abc"]
    taken = fetch(files, raw, policy=clock.policy())
    assert [one.file.name for one in taken] == ["a", "b", "c"]
    assert together == [parallel] * 3


def test_no_more_requests_in_a_minute_than_the_host_allows(server, raw, clock):
    server.expect_request(re.compile("/.*")).respond_with_data(CSV)
    fetch([at(server, str(n), per_minute=3) for n in range(7)], raw, policy=clock.policy())
    assert clock.waits == [60, 60]


def test_bytes_of_a_gz_file_are_kept_even_when_served_as_a_coding(server, raw, clock):
    packed = gzip.compress(CSV, mtime=0)
    serve(server, Response(packed, headers={"Content-Encoding": "gzip"}), name="pop.csv.gz")
    (taken,) = fetch([at(server, "pop.csv.gz", "gz")], raw, policy=clock.policy())
    assert taken.path.read_bytes() == packed


# --- faults of the publisher and of the network -----------------------------------------------


def test_a_truncated_body_is_resumed_when_the_server_can(server, raw, told, clock):
    asked = serve(server, cut(BODY, 500_000, ETag='"v1"'), resumable(BODY))
    (taken,) = fetch([at(server)], raw, reporter=told, policy=clock.policy())
    assert taken.path.read_bytes() == BODY
    assert taken.record.size == len(BODY)
    assert 0 < int(asked[1].headers["Range"][6:-1]) <= 500_000
    assert asked[1].headers["If-Range"] == '"v1"'
    assert told.bytes[taken.file.key] == len(BODY)
    assert "coupée" in told.notes[0]


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(resumable(BODY, '"v2"'), id="another version since"),
        pytest.param(Response(BODY), id="no ranges"),
        pytest.param(status(416), id="nothing at that place"),
        pytest.param(tail('"v2"', len(BODY)), id="the end of another version"),
        pytest.param(tail('"v1"', len(BODY) + 1), id="the end of a longer body"),
    ],
)
def test_a_truncated_body_is_begun_again_when_it_cannot_be_resumed(server, raw, clock, then):
    serve(server, cut(BODY, 500_000, ETag='"v1"'), then, Response(BODY))
    (taken,) = fetch([at(server)], raw, policy=clock.policy())
    assert taken.path.read_bytes() == BODY


def test_without_validator_nor_sha256_a_body_is_never_resumed(server, raw, clock):
    asked = serve(server, cut(BODY, 500_000), Response(BODY))
    fetch([at(server)], raw, policy=clock.policy())
    assert "Range" not in asked[1].headers


def test_two_halves_of_different_versions_are_seen_and_taken_again(server, raw, clock):
    other = BODY.replace(b"a", b"b")
    asked = serve(server, cut(other, 500_000), resumable(BODY, etag=""))
    file = at(server, sha256=hashlib.sha256(BODY).hexdigest())
    (taken,) = fetch([file], raw, policy=clock.policy())
    assert taken.path.read_bytes() == BODY
    assert ["Range" in request.headers for request in asked] == [False, True, False]


def test_a_body_always_truncated_is_the_fault_of_the_source(server, raw, clock):
    serve(server, cut(CSV, 10))
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    assert caught.value.exit_code == 3
    refused(
        caught.value, "insee_rp/2022/pop.csv", "coupée", "fragilite fetch insee_rp", "--raw DOSSIER"
    )
    assert clock.waits == [2, 4, 8, 16]
    assert not (raw / "insee_rp/2022/pop.csv").exists()


@pytest.mark.parametrize("kind", ["zip", "json", "geojson", "gz", "parquet", "xlsx"])
def test_a_content_length_too_short_is_seen_in_the_content(server, raw, clock, kind):
    whole = {
        "zip": zipped(a=incompressible(5000)),
        "json": b'[{"code": "49007"}]',
        "geojson": b'{"type": "FeatureCollection", "features": []}',
        "gz": gzip.compress(incompressible(5000), mtime=0),
        "parquet": b"PAR1" + incompressible(320) + b"PAR1",
        "xlsx": zipped(**{"xl/workbook.xml": b"<workbook/>"}),
    }[kind]
    serve(server, Response(whole), Response(whole[:-3]), name="f")
    file = at(server, "f", kind)
    fetch([file], raw, policy=clock.policy())
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([file], raw, update=True, policy=clock.policy())
    refused(caught.value, "insee_rp/2022/f")
    assert (raw / file.key).read_bytes() == whole
    assert left(raw) == {"f"}


def test_a_size_that_is_not_the_declared_one_is_refused(server, raw, clock):
    serve(server, Response(CSV))
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server, size=999)], raw, policy=clock.policy())
    refused(
        caught.value, "999 octets attendus, 28 trouvés", "insee_rp --vintage insee_rp=2022 --update"
    )


@pytest.mark.parametrize(
    ("code", "words"), [(404, "absent"), (403, "refusé"), (410, "retiré"), (418, "418")]
)
def test_a_definitive_refusal_is_not_insisted_upon(server, raw, clock, code, words):
    asked = serve(server, status(code))
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    refused(caught.value, words, server.url_for("/pop.csv"))
    assert (len(asked), clock.waits) == (1, [])


def test_429_waits_as_long_as_the_server_asks(server, raw, told, clock):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    serve(server, status(429, Retry_After="7"), status(429, Retry_After=soon), Response(CSV))
    fetch([at(server)], raw, reporter=told, policy=clock.policy())
    assert clock.waits[0] == 7
    assert 20 < clock.waits[1] <= 30
    assert "429" in told.notes[0]


def test_a_wait_beyond_patience_is_refused_at_once(server, raw, clock):
    serve(server, status(503, Retry_After="3600"))
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    refused(caught.value, "3600 s")
    assert clock.waits == []


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_passing_fault_is_tried_again(server, raw, clock, code):
    serve(server, status(code), Response(CSV))
    (taken,) = fetch([at(server)], raw, policy=clock.policy())
    assert taken.status == "downloaded"
    assert clock.waits == [2]


def test_a_redirection_loop_ends(server, raw, clock):
    asked = serve(server, status(302, Location="/pop.csv"))
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    refused(caught.value, "tourne en rond")
    assert len(asked) < 12


def test_a_hung_connection_is_given_up(server, raw, clock):
    free = threading.Event()

    def hang(request: Request) -> Response:
        free.wait(10)
        return Response(CSV)

    serve(server, hang)
    try:
        with pytest.raises(SourceUnavailableError) as caught:
            fetch([at(server)], raw, policy=clock.policy(read=0.1))
    finally:
        free.set()
    refused(caught.value, "délai dépassé")
    assert len(clock.waits) == 4


def test_a_host_that_does_not_answer_is_not_asked_for_its_other_files(raw, told, clock):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
    files = [RemoteFile("caf", "2024", n, f"http://127.0.0.1:{port}/{n}", "csv") for n in "ab"]
    with pytest.raises(SourceUnavailableError) as caught:
        fetch(files, raw, reporter=told, policy=clock.policy())
    refused(caught.value, "2 fichiers", "caf/2024/a, caf/2024/b")
    assert len(clock.waits) == 4


def test_one_fault_does_not_keep_the_other_files_from_being_taken(server, raw, clock):
    serve(server, status(404), name="a")
    serve(server, Response(CSV), name="b")
    with pytest.raises(SourceUnavailableError, match="404"):
        fetch([at(server, "a"), at(server, "b")], raw, policy=clock.policy())
    assert list(locked(raw)) == ["insee_rp/2022/b"]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (
            PAGE,
            "zip",
            "attendu une archive zip, trouvé une page HTML (« Site en maintenance »)",
        ),
        (PAGE, "csv", "attendu du texte, trouvé une page HTML"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "7z", "AccessDenied"),
        (b'{"code": 900804, "message": "throttled"}', "zip", 'du JSON (« {"code": 900804'),
        (b'{"message": "throttled"}', "geojson", "un autre JSON"),
        (CSV, "parquet", "trouvé du texte"),
        (zipped(a=CSV), "csv", "trouvé une archive zip"),
        (b"", "csv", "trouvé un fichier vide"),
        (gzip.compress(PAGE, mtime=0), "gz", "page HTML"),
        (zipped(a=CSV), "xlsx", "xl/workbook.xml"),
    ],
)
def test_a_page_served_with_status_200_is_not_the_file(server, raw, clock, body, kind, words):
    serve(server, Response(body), name="f")
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server, "f", kind)], raw, policy=clock.policy())
    refused(caught.value, words)
    assert left(raw) == set()


def test_what_is_too_big_is_not_taken(server, raw, told, clock):
    serve(server, Response(BODY), name="long")
    serve(server, lambda request: Response(iter([BODY])), name="endless")
    for name in ("long", "endless"):
        with pytest.raises(SourceUnavailableError, match="admis"):
            fetch([at(server, name, max_bytes=1000)], raw, reporter=told, policy=clock.policy())
    assert list(told.bytes) == ["insee_rp/2022/endless"]
    assert left(raw) == set()


class FakeTLS(requests.adapters.HTTPAdapter):
    """A server in https, or what stands in its way."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.calls = 0

    def send(self, request, *args, **kwargs):
        self.calls += 1
        assert kwargs["verify"] is not False
        if self.failure:
            raise self.failure
        response = requests.Response()
        response.status_code, response.url, response.request = 302, request.url, request
        response.headers["Location"] = "http://127.0.0.1:1/pop.csv"
        response.raw = io.BytesIO()
        return response


def test_an_unknown_certificate_is_refused_without_a_second_try(raw, clock):
    session = requests.Session()
    failure = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
    session.mount("https://", adapter := FakeTLS(failure))
    file = RemoteFile("caf", "2024", "a", "https://data.caf.fr/a", "csv")
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([file], raw, session=session, policy=clock.policy())
    refused(caught.value, "certificat", "REQUESTS_CA_BUNDLE")
    assert adapter.calls == 1


def test_tls_is_neither_switched_off_nor_left_on_the_way(server, raw, clock):
    session = requests.Session()
    session.mount("https://", FakeTLS())
    session.mount("http://127.0.0.1:1/", plain := FakeTLS())
    plain.send = lambda request, *a, **k: _plain(request)
    file = RemoteFile("caf", "2024", "a", "https://data.caf.fr/a", "csv")
    with pytest.raises(SourceUnavailableError, match="sans TLS"):
        fetch([file], raw, session=session, policy=clock.policy())
    session.verify = False
    with pytest.raises(ValueError, match="certificates"):
        fetch([file], raw, session=session, policy=clock.policy())


def _plain(request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.raw = 200, str(request.url), io.BytesIO(CSV)
    return response


# --- archives ---------------------------------------------------------------------------------


def test_a_zip_bomb_is_refused_without_being_unpacked(server, raw, clock):
    bomb = zipped(bomb=bytes(80_000_000))
    serve(server, Response(bomb), name="bomb.zip")
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server, "bomb.zip", "zip")], raw, policy=clock.policy())
    refused(caught.value, "archive refusée", "se déplient en plus de")
    serve(server, Response(gzip.compress(bytes(80_000_000), mtime=0)), name="bomb.gz")
    with pytest.raises(SourceUnavailableError, match="se déplient"):
        fetch([at(server, "bomb.gz", "gz")], raw, policy=clock.policy())
    serve(server, Response(zipped(a=CSV)), name="small.zip")
    with pytest.raises(SourceUnavailableError, match="plus de 10 o"):
        fetch([at(server, "small.zip", "zip", max_unpacked=10)], raw, policy=clock.policy())


@pytest.mark.parametrize("name", ["../../sorti", "/etc/passwd", "C:\\sorti", "a/..\\..\\sorti"])
def test_a_path_that_escapes_from_the_archive_is_refused(server, raw, tmp_path, clock, name):
    serve(server, Response(zipped(**{name: CSV})), name="f.zip")
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server, "f.zip", "zip")], raw, policy=clock.policy())
    refused(caught.value, "sort de son dossier")
    (tmp_path / "f.zip").write_bytes(zipped(**{name: CSV}))
    with pytest.raises(UnexpectedContentError, match="sort de son dossier"):
        open_member(tmp_path / "f.zip", "*sorti")


def test_members_must_exist_and_be_whole(server, raw, clock):
    packed = zipped(**{"dossier/base-cc-2022.CSV": incompressible(4000), "meta_base.CSV": CSV})
    serve(server, Response(packed), name="f.zip")
    serve(server, Response(packed), name="h.zip")
    fetch([at(server, "f.zip", "zip", members=("base-cc-*.csv",))], raw, policy=clock.policy())
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server, "h.zip", "zip", members=("ds_rp_*.csv",))], raw, policy=clock.policy())
    refused(caught.value, "« ds_rp_*.csv »", "dossier/base-cc-2022.CSV, meta_base.CSV")
    damaged = packed[:1000] + bytes(8) + packed[1008:]
    serve(server, Response(damaged), name="g.zip")
    with pytest.raises(SourceUnavailableError, match="abîmée"):
        fetch([at(server, "g.zip", "zip")], raw, policy=clock.policy())


def test_open_member_reads_the_one_member_designated(tmp_path):
    path = tmp_path / "f.zip"
    path.write_bytes(zipped(**{"a/base-2022.CSV": CSV, "a/meta_base-2022.CSV": b"m", "a/": b""}))
    with open_member(path, "base-2022.csv") as stream:
        assert stream.read() == CSV
    with pytest.raises(UnexpectedContentError) as caught:
        open_member(path, "*2022.csv")
    refused(caught.value, "2 membres", str(path))
    with pytest.raises(UnexpectedContentError, match="n'a pas le membre « iris"):
        open_member(path, "iris.csv")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UnexpectedContentError) as caught:
        open_member(path, "base-2022.csv")
    refused(caught.value, "abîmée", "fragilite fetch --update")


def seven_zip(path: Path, **members: bytes) -> Path:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(content, name)
    return path


def test_a_7z_file_is_checked_then_extracted(server, raw, tmp_path, clock):
    body = seven_zip(
        tmp_path / "c.7z", **{"4G/orange.gpkg": BODY, "lisezmoi.txt": CSV}
    ).read_bytes()
    serve(server, Response(body), name="c.7z")
    file = at(server, "c.7z", "7z", members=("*.gpkg",))
    (taken,) = fetch([file], raw, policy=clock.policy())
    extracted = extract_7z(taken.path, "orange.gpkg", tmp_path / "4g")
    assert extracted == tmp_path / "4g/orange.gpkg"
    assert extracted.read_bytes() == BODY
    assert list((tmp_path / "4g").iterdir()) == [extracted]
    with pytest.raises(UnexpectedContentError, match="n'a pas le membre « sfr"):
        extract_7z(taken.path, "sfr.gpkg", tmp_path / "4g")
    with pytest.raises(UnexpectedContentError, match="se déplient"):
        extract_7z(taken.path, "orange.gpkg", tmp_path / "4g", max_unpacked=1000)
    serve(server, Response(body[:-40]), name="coupe.7z")
    with pytest.raises(SourceUnavailableError, match="abîmée"):
        fetch([at(server, "coupe.7z", "7z")], raw, policy=clock.policy())


def test_a_damaged_7z_member_leaves_the_former_one(tmp_path):
    path = seven_zip(tmp_path / "c.7z", **{"orange.gpkg": incompressible(100_000)})
    body = bytearray(path.read_bytes())
    body[5000:5020] = bytes(20)
    path.write_bytes(body)
    former = tmp_path / "4g" / "orange.gpkg"
    former.parent.mkdir()
    former.write_bytes(b"avant")
    with pytest.raises(UnexpectedContentError) as caught:
        extract_7z(path, "orange.gpkg", former.parent)
    refused(caught.value, "abîmée", str(path))
    assert former.read_bytes() == b"avant"
    assert list(former.parent.iterdir()) == [former]


def test_a_7z_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    path = seven_zip(tmp_path / "c.7z", **{"orange.gpkg": CSV})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(FragiliteError) as caught:
        extract_7z(path, "orange.gpkg", tmp_path)
    refused(caught.value, "28 o nécessaires, 0 o libres")


# --- faults of the machine --------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from fragilite.errors import FragiliteError
from fragilite.ingestion.fetch import RemoteFile, fetch
{before}
file = RemoteFile("insee_rp", "2022", "pop.csv", sys.argv[1], "csv")
try:
    print(fetch([file], Path(sys.argv[2]), update={update})[0].status)
except FragiliteError as error:
    sys.exit(str(error))
"""


def child(
    server: HTTPServer, raw: Path, before: str = "", update: bool = False
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            CHILD.format(before=before, update=update),
            server.url_for("/pop.csv"),
            str(raw),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_killed_download_is_resumed(server, raw, clock):
    free = threading.Event()

    def half(request: Request) -> Response:
        def body() -> Iterator[bytes]:
            yield BODY[:500_000]
            free.wait(10)

        return Response(body(), headers={"Content-Length": str(len(BODY)), "ETag": '"v1"'})

    asked = serve(server, half, resumable(BODY))
    part = raw / "insee_rp/2022/pop.csv.part"
    process = child(server, raw)
    try:
        until(lambda: part.exists() and part.stat().st_size >= 300_000)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    finally:
        free.set()
        process.communicate()
    assert left(raw) == {"pop.csv.part", "pop.csv.part.json"}
    (taken,) = fetch([at(server)], raw, policy=clock.policy())
    assert taken.path.read_bytes() == BODY
    assert int(asked[1].headers["Range"][6:-1]) >= 300_000
    assert left(raw) == {"pop.csv"}


@pytest.mark.parametrize("step", ["keep", "replace"])
def test_a_replacement_killed_at_any_step_is_ended(server, raw, clock, monkeypatch, step):
    serve(server, Response(CSV), Response(BODY))
    fetch([at(server)], raw, policy=clock.policy())
    keep = fetching._Task.keep

    def killed(task: object, file: RemoteFile, record: object) -> None:
        if step == "replace":
            keep(task, file, record)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fetching._Task, "keep", killed)
        fetch([at(server)], raw, update=True, policy=clock.policy())
    assert (raw / "insee_rp/2022/pop.csv").read_bytes() == CSV
    (taken,) = fetch([at(server)], raw, offline=True)
    assert taken.path.read_bytes() == (CSV if step == "keep" else BODY)
    assert taken.status == "present"


def test_a_full_disk_leaves_the_former_file(server, raw, clock):
    resource = pytest.importorskip("resource")
    serve(server, Response(CSV), Response(iter([BODY])))
    fetch([at(server)], raw, policy=clock.policy())
    limit = f"import resource; resource.setrlimit({resource.RLIMIT_FSIZE}, (100_000, 100_000))"
    process = child(server, raw, limit, update=True)
    _, message = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "plus de place sur le disque" in message
    assert "Libérez de la place" in message
    assert (raw / "insee_rp/2022/pop.csv").read_bytes() == CSV
    assert left(raw) == {"pop.csv"}


def test_a_file_larger_than_the_free_space_is_not_begun(server, raw, clock, monkeypatch):
    serve(server, Response(CSV))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 10))
    with pytest.raises(FragiliteError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    refused(caught.value, "plus de place", "pop.csv")
    assert caught.value.exit_code == 1


def test_a_folder_that_refuses_writing_is_told(tmp_path, clock, server):
    (tmp_path / "raw").write_text("un fichier")
    with pytest.raises(FragiliteError) as caught:
        fetch([at(server)], tmp_path / "raw", policy=clock.policy())
    refused(caught.value, "accès impossible")


def test_two_processes_at_once_take_the_file_once(server, raw):
    begun, free = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        begun.set()
        free.wait(10)
        return Response(BODY)

    asked = serve(server, slow)
    one = child(server, raw)
    assert begun.wait(10)
    two = child(server, raw)
    assert "occupé par un autre" in two.stderr.readline()
    free.set()
    said = [process.communicate(timeout=10)[0].strip() for process in (one, two)]
    assert said == ["downloaded", "present"]
    assert len(asked) == 1


def test_another_process_is_not_waited_for_without_end(server, raw):
    with (
        fetching.alone(raw, ".fetch.lock", 0, print, "fragilite fetch"),
        pytest.raises(FragiliteError) as caught,
    ):
        fetch([at(server)], raw, policy=Policy(queue=0.15))
    refused(caught.value, "occupé", "puis relancez")


# --- the lock file ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", '{"version": 9, "files": {}}', '{"files": {"a": {}}}'])
def test_a_corrupt_lock_file_is_kept_aside(server, raw, told, clock, text):
    asked = serve(server, Response(CSV))
    fetch([at(server)], raw, policy=clock.policy())
    (raw / "sources.lock.json").write_text(text)
    with pytest.raises(FragiliteError) as caught:
        fetch([at(server)], raw, frozen=True)
    refused(caught.value, "sources.lock.json est illisible", "fragilite fetch")
    assert (raw / "sources.lock.json").read_text() == text

    (taken,) = fetch([at(server)], raw, reporter=told, policy=clock.policy())
    assert (taken.status, len(asked)) == ("adopted", 1)
    (aside,) = raw.glob("sources.lock.json.illisible-*")
    assert aside.read_text() == text
    assert aside.name in told.notes[0]
    assert locked(raw)[taken.file.key]["sha256"] == hashlib.sha256(CSV).hexdigest()


def test_a_file_changed_upstream_in_place_is_never_used_in_silence(server, raw, told, clock):
    serve(server, Response(CSV), Response(CSV + b"49008;1\n"))
    (before,) = fetch([at(server)], raw, policy=clock.policy())
    before.path.unlink()
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, policy=clock.policy())
    refused(
        caught.value,
        "a changé chez le producteur",
        "fragilite fetch insee_rp --vintage insee_rp=2022 --update",
    )
    assert left(raw) == set()
    (after,) = fetch([at(server)], raw, update=True, reporter=told, policy=clock.policy())
    assert after.status == "updated"
    assert after.change == told.notes[-1]


def test_a_file_that_is_not_the_declared_one_is_taken_only_by_update(server, raw, told, clock):
    serve(server, Response(CSV))
    file = at(server, sha256="0" * 64)
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([file], raw, policy=clock.policy())
    refused(
        caught.value, "sha256 000000000000 attendu", "insee_rp --vintage insee_rp=2022 --update"
    )
    fetch([file], raw, update=True, reporter=told, policy=clock.policy())
    assert "n'est plus le fichier du catalogue" in told.notes[0]
    (taken,) = fetch([file], raw, frozen=True)
    assert taken.path.read_bytes() == CSV


def test_update_says_what_changed_and_has_the_new_file_read_first(server, raw, told, clock):
    serve(
        server,
        Response(CSV, headers={"Last-Modified": "lundi"}),
        Response(BODY, headers={"Last-Modified": "mardi"}),
    )
    file = at(server)
    fetch([file], raw, policy=clock.policy())
    seen = []

    def verify(asked: RemoteFile, path: Path) -> None:
        seen.append((asked, path.name, path.read_bytes(), (raw / file.key).read_bytes()))

    (taken,) = fetch([file], raw, update=True, verify=verify, reporter=told, policy=clock.policy())
    assert seen == [(file, "pop.csv.nouveau", BODY, CSV)]
    assert taken.status == "updated"
    assert told.notes == [taken.change]
    for words in ("28 o → 800,0 ko", hashlib.sha256(BODY).hexdigest()[:12], "lundi → mardi"):
        assert words in taken.change
    assert left(raw) == {"pop.csv"}


def test_a_new_file_that_cannot_be_read_does_not_replace_the_former(server, raw, clock):
    serve(server, Response(CSV), Response(BODY))
    fetch([at(server)], raw, policy=clock.policy())
    before = locked(raw)

    def verify(file: RemoteFile, path: Path) -> None:
        raise FragiliteError("la colonne P22_POP manque.", "Signalez-le.")

    with pytest.raises(SourceUnavailableError) as caught:
        fetch([at(server)], raw, update=True, verify=verify, policy=clock.policy())
    refused(caught.value, "la colonne P22_POP manque", "pop.csv.nouveau", "Signalez-le")
    assert (raw / "insee_rp/2022/pop.csv").read_bytes() == CSV
    assert (raw / "insee_rp/2022/pop.csv.nouveau").read_bytes() == BODY
    assert locked(raw) == before
    fetch([at(server)], raw, frozen=True)


def test_update_takes_nothing_when_nothing_changed(server, raw, told, clock):
    asked = serve(server, resumable(CSV))
    fetch([at(server)], raw, policy=clock.policy())
    (taken,) = fetch([at(server)], raw, update=True, reporter=told, policy=clock.policy())
    assert (taken.status, told.notes, told.bytes) == ("unchanged", [], {})
    assert asked[1].headers["If-None-Match"] == '"v1"'


# --- without network --------------------------------------------------------------------------


@pytest.fixture
def no_socket(monkeypatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


ADDRESS = RemoteFile("caf", "2024", "foyers.csv", "https://data.caf.fr/foyers.csv", "csv")


def dropped(raw: Path, content: bytes = CSV) -> Path:
    path = raw / ADDRESS.key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("no_socket")
def test_offline_opens_no_socket(raw, told):
    with pytest.raises(SourceUnavailableError) as caught:
        fetch([ADDRESS], raw, offline=True)
    refused(caught.value, str(raw / ADDRESS.key), "--offline", "--raw DOSSIER")
    dropped(raw)
    (taken,) = fetch([ADDRESS], raw, offline=True, reporter=told)
    assert taken.status == "adopted"
    assert "déposé à la main" in told.notes[0]
    (again,) = fetch([ADDRESS], raw, offline=True)
    assert again.status == "present"
    assert again.record.url == ""


@pytest.mark.usefixtures("no_socket")
def test_a_file_dropped_by_hand_must_be_the_one_expected(raw):
    dropped(raw, PAGE)
    with pytest.raises(FragiliteError) as caught:
        fetch([ADDRESS], raw)
    refused(caught.value, "page HTML", "Supprimez-le")
    assert (raw / ADDRESS.key).read_bytes() == PAGE
    dropped(raw)
    with pytest.raises(FragiliteError) as caught:
        fetch([RemoteFile("caf", "2024", "foyers.csv", ADDRESS.url, "csv", sha256="0" * 64)], raw)
    refused(
        caught.value,
        "n'est pas le fichier du catalogue",
        "caf --vintage caf=2024 --update --offline",
    )


@pytest.mark.usefixtures("no_socket")
def test_a_file_changed_on_disk_is_accepted_only_when_asked(raw, told):
    dropped(raw)
    fetch([ADDRESS], raw, offline=True)
    path = dropped(raw, BODY)
    for options in ({}, {"offline": True}, {"frozen": True}):
        with pytest.raises(FragiliteError) as caught:
            fetch([ADDRESS], raw, **options)
        refused(caught.value, "ne correspond pas", hashlib.sha256(CSV).hexdigest()[:12])
    (taken,) = fetch([ADDRESS], raw, update=True, offline=True, reporter=told)
    assert (taken.status, taken.change) == ("adopted", told.notes[0])
    assert path.read_bytes() == BODY
    (same,) = fetch([ADDRESS], raw, update=True, offline=True)
    assert same.status == "unchanged"


@pytest.mark.usefixtures("no_socket")
def test_a_folder_that_may_only_be_read_is_enough_offline(raw, told, monkeypatch):
    dropped(raw)
    forbidden = OSError(errno.EROFS, "Read-only file system")
    monkeypatch.setattr(fetching, "alone", lambda *a: (_ for _ in ()).throw(forbidden))
    monkeypatch.setattr(fetching.SourcesLock, "write", lambda *a: (_ for _ in ()).throw(forbidden))
    (taken,) = fetch([ADDRESS], raw, offline=True, reporter=told)
    assert taken.status == "adopted"
    assert "Rien n'y est inscrit" in told.notes[-1]


@pytest.mark.usefixtures("no_socket")
def test_frozen_takes_only_what_the_lock_file_knows_and_writes_nothing(raw):
    with pytest.raises(SourceUnavailableError, match="--frozen"):
        fetch([ADDRESS], raw, frozen=True)
    assert not raw.exists()
    dropped(raw)
    with pytest.raises(FragiliteError, match="n'y est pas inscrit"):
        fetch([ADDRESS], raw, frozen=True)
    fetch([ADDRESS], raw, offline=True)
    before = {path: path.stat().st_mtime_ns for path in raw.rglob("*")}
    (taken,) = fetch([ADDRESS], raw, frozen=True)
    assert taken.status == "present"
    assert {path: path.stat().st_mtime_ns for path in raw.rglob("*")} == before
    with pytest.raises(UsageError, match="se contredisent"):
        fetch([ADDRESS], raw, frozen=True, update=True)


# --- requests, addresses, progress ------------------------------------------------------------


@pytest.mark.parametrize("part", ["..", "../a", "a/b", "a\\b", "C:a", "", ".a", " a"])
def test_a_file_never_leads_out_of_its_folder(part):
    for place in ((part, "2022", "a"), ("a", part, "a"), ("a", "2022", part)):
        with pytest.raises(UsageError):
            RemoteFile(*place, "https://data.caf.fr/a", "csv")


def test_an_address_is_of_the_web():
    with pytest.raises(UsageError):
        RemoteFile("a", "2022", "a", "file:///etc/passwd", "csv")


def test_two_files_do_not_share_a_place(raw):
    twin = RemoteFile("caf", "2024", "foyers.csv", "https://ailleurs.fr/", "csv")
    with pytest.raises(ValueError, match="one place"):
        fetch([ADDRESS, twin], raw)


def test_check_says_which_addresses_answer(server, clock):
    body = zipped(a=CSV)
    server.expect_request("/head.zip").respond_with_data(body, content_type="application/zip")
    refusing = serve(
        server,
        lambda request: status(405) if request.method == "HEAD" else resumable(BODY)(request),
    )
    server.expect_request("/page.zip").respond_with_data(PAGE, content_type="text/html")
    server.expect_request("/html.csv").respond_with_data(CSV, content_type="text/html")
    server.expect_request("/gone.csv").respond_with_data("", status=404)
    files = [
        at(server, "head.zip", "zip"),
        at(server),
        at(server, "page.zip", "zip"),
        at(server, "html.csv"),
        at(server, "gone.csv"),
        RemoteFile("a", "b", "c", "http://127.0.0.1:1/", "csv"),
    ]
    results = check(files, policy=clock.policy())
    assert [result.answers for result in results] == [True, True, False, True, False, False]
    assert [result.file for result in results] == files
    assert results[0].detail == f"répond, {len(body)} o"
    assert refusing[-1].headers["Range"] == "bytes=0-4095"
    assert "page HTML" in results[2].detail
    assert "404" in results[4].detail
    assert "connexion impossible" in results[5].detail
    assert clock.waits == []


def test_off_a_terminal_only_sentences_are_written(capsys):
    for quiet in (False, True):
        lines = Lines(quiet=quiet)
        lines.start("a", 10)
        lines.advance("a", 10)
        lines.note("Une phrase.")
        lines.done("a")
        lines.close()
    assert capsys.readouterr() == ("", "Une phrase.\n")


def test_on_a_terminal_a_bar_per_file_is_drawn(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    bars = reporter()
    assert isinstance(bars, Bars)
    bars.start("insee_rp/2022/pop.csv", 2_000_000)
    bars.start("caf/2024/foyers.csv", None)
    bars.advance("insee_rp/2022/pop.csv", 1_500_000)
    bars.advance("caf/2024/foyers.csv", 500)
    bars.note("Une [phrase].")
    bars._progress.refresh()
    bars.done("insee_rp/2022/pop.csv")
    bars.close()
    for words in ("insee_rp/2022/pop.csv", "1,5 Mo sur 2,0 Mo", "500 o", "Une [phrase]."):
        assert words in screen.getvalue()
