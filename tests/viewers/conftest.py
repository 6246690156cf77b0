"""Programs that people open the files with: what they show is compared, and pictured.

A program that is absent skips its tests, with what installs it. Pictures go to the folder named by
FRAGILITE_IMAGES, else to one that pytest forgets.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fragilite import outputs

#: Run by the Python of QGIS, which this one cannot import.
collect_ignore = ["qgis_open.py"]
#: A screen of a desk.
DESK = {"viewport": {"width": 1280, "height": 900}}
#: LibreOffice as a French coordinator has it: decimal comma, no first-start window.
FRENCH = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>fr-FR</value></prop></item>
</oor:items>
"""


def program(name, remedy):
    """Path of a program, or a skip that says what installs it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(remedy)
    return found


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Folder of the pictures that a person will look at."""
    folder = os.environ.get("FRAGILITE_IMAGES")
    target = Path(folder) if folder else tmp_path_factory.mktemp("images")
    target.mkdir(parents=True, exist_ok=True)
    return target


@pytest.fixture(scope="session")
def files(built, tmp_path_factory):
    """Every file of Maine-et-Loire, written once."""
    folder = tmp_path_factory.mktemp("fichiers")
    outputs.write(built, folder, outputs.FORMATS)
    return folder


@pytest.fixture(scope="session")
def soffice(tmp_path_factory):
    """Convert a file with LibreOffice, in a profile of its own; returns the files it made."""
    found = program(
        "soffice", "LibreOffice absent : apt-get install libreoffice-calc libreoffice-writer"
    )
    profile = tmp_path_factory.mktemp("profil")
    (profile / "user").mkdir()
    (profile / "user/registrymodifications.xcu").write_text(FRENCH, encoding="utf-8")

    def _convert(source, form, reading=None):
        folder = tmp_path_factory.mktemp("converti")
        options = [f"-env:UserInstallation={profile.as_uri()}", "--headless"]
        options += [f"--infilter={reading}"] if reading else []
        options += ["--convert-to", form, "--outdir", str(folder), str(source)]
        done = subprocess.run(
            [found, *options], capture_output=True, text=True, timeout=300, check=False
        )
        made = sorted(folder.iterdir())
        assert made, done.stdout + done.stderr
        return made

    return _convert


@pytest.fixture(scope="session")
def pages():
    """Texts of the pages of a PDF, and a picture of one of them."""
    remedy = "Poppler absent : apt-get install poppler-utils"
    text, picture = program("pdftotext", remedy), program("pdftoppm", remedy)

    def _texts(pdf):
        done = subprocess.run([text, "-layout", pdf, "-"], capture_output=True, check=True)
        return done.stdout.decode("utf-8").split("\f")[:-1]

    def _picture(pdf, page, target, resolution=100):
        """Draw page `page`, from 0, into `target`, a .png."""
        number = str(page + 1)
        options = ["-r", str(resolution), "-f", number, "-l", number, "-singlefile", "-png"]
        subprocess.run([picture, *options, pdf, target.with_suffix("")], check=True)
        assert target.stat().st_size > 10_000  # a blank page takes less
        return target

    return _texts, _picture


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window, driven by playwright."""
    found = shutil.which("chromium-browser") or program(
        "chromium", "Chromium absent : apt-get install chromium"
    )
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright absent")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, address):
    """Open the page of a module; at the end, nothing may have been asked for nor complained of."""
    contexts, faults, asked = [], [], []

    def _open(fragment="", *, java_script=True, **screen):
        context = browser.new_context(
            offline=True, java_script_enabled=java_script, **(screen or DESK)
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + fragment)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert faults == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} <= {address}


@pytest.fixture(scope="session")
def qgis(pictures):
    """Open a GeoPackage in QGIS; returns what is seen, and draws it among the pictures."""
    script = Path(__file__).with_name("qgis_open.py")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
    environment.pop("PYTHONPATH", None)  # QGIS has the system's Python, not that of the tests
    for python in ("/usr/bin/python3", shutil.which("python3")):
        probe = [python, "-c", "import qgis.core"]
        if python and not subprocess.run(probe, capture_output=True, env=environment).returncode:
            break
    else:
        pytest.skip("QGIS absent : apt-get install qgis python3-qgis")

    def _open(path, prefix, pictured="some", beside=()):
        done = subprocess.run(
            [python, script, path, pictures, prefix, pictured, *beside],
            capture_output=True, env=environment, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return _open
