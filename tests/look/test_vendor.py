"""The copies of other people's work: which version, under which licence, how heavy together."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import brotli
import pytest

from pipedrive_qb.static_files import SMALLER

STATIC = Path(__file__).resolve().parents[2] / "static"
VENDOR = STATIC / "vendor"
# name/version -> (licence file, words it holds, file, words that prove the version)
KNOWN = {
    "htmx/2.0.11": ("LICENSE", "Zero-Clause BSD", "htmx.min.js", 'version:"2.0.11"'),
    "pipedrive/0.15.1": ("LICENSE.md", "Pipedrive", "index.umd.js", "AppExtensionsSDK"),
    "inter/5.3.0": ("LICENSE", "SIL OPEN FONT LICENSE", "inter-basic.woff2", ""),
}
FIRST_LOAD = 60 * 1024  # bytes, compressed: what a frame may ask for when nothing is in the browser's store
THEIR_HTML = {"panel": 5_000, "invoice": 10_600, "settings": 9_500}
"""Bytes of the empty page and of what fills it, as P14 measures them."""
OWN_FILES = {
    "panel": ("css/panel.css", "js/panel.js"),
    "invoice": ("css/form.css", "js/fields.js", "js/invoice-form.js"),
    "settings": ("css/settings.css", "js/settings.js"),
}


def test_every_folder_is_known() -> None:
    assert {f"{folder.parent.name}/{folder.name}" for folder in VENDOR.glob("*/*")} == set(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_every_copy_stands_beside_its_licence_and_is_the_version_it_says(name: str) -> None:
    licence, words, file, proof = KNOWN[name]
    assert words in (VENDOR / name / licence).read_text()
    assert proof.encode() in (VENDOR / name / file).read_bytes()


def test_the_sdk_is_the_published_file_but_for_its_last_line() -> None:
    """The comment naming a source map is left out; with it, the sum is that of the package on npm."""
    ours = (VENDOR / "pipedrive/0.15.1/index.umd.js").read_bytes()
    assert b"sourceMappingURL" not in ours
    published = ours.rstrip(b"\n") + b"\n//# sourceMappingURL=index.umd.js.map\n"
    sums = {hashlib.sha256(published).hexdigest(), hashlib.sha256(published.rstrip(b"\n")).hexdigest()}
    assert "84fca6fe823430fac564d7fc03bc16dfcbbe32bb6bfe5396bc90149b423f495f" in sums


def test_templates_name_the_copies_that_are_there() -> None:
    text = (STATIC.parent / "templates/base_embedded.html").read_text() + (STATIC / "css/base.css").read_text()
    for name, version, file in re.findall(r"vendor/([a-z]+)/([\d.]+)/([a-z0-9.-]+)", text):
        assert (VENDOR / name / version / file).exists()


@pytest.mark.parametrize("surface", OWN_FILES)
def test_the_first_load_of_a_frame_is_light(surface: str) -> None:
    text = (STATIC.parent / "templates/base_embedded.html").read_text()
    named = [*re.findall(r'{% static "([^"]+)" %}', text), "vendor/inter/5.3.0/inter-basic.woff2"]
    of_others = {path for other, paths in OWN_FILES.items() if other != surface for path in paths}
    files = {*named, *OWN_FILES[surface]} - of_others
    weights = {path: _weight(STATIC / path) for path in files}
    assert sum(weights.values()) + THEIR_HTML[surface] <= FIRST_LOAD, weights


def _weight(file: Path) -> int:
    content = file.read_bytes()
    if file.suffix == ".woff2":
        return len(content)
    smaller = SMALLER[file.suffix[1:]] if VENDOR not in file.parents else str
    return len(brotli.compress(smaller(content.decode()).encode()))


def test_scripts_evaluate_nothing_and_ask_nobody_else() -> None:
    for script in sorted((STATIC / "js").glob("*.js")):
        text = script.read_text()
        assert not re.search(r"\beval\(|new Function\(|insertAdjacentHTML|document\.write", text), script.name
        assert not re.findall(r"""["'`]https?://""", text), script.name
