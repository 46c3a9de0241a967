"""The policy lets only what stands in the page run."""

import base64
import hashlib

from redl.results.report.page.policy import policy
from tests.results.report.page.reading import read


def hashed(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_hash_is_that_of_sha256_in_base_64():
    # Of the empty text, as published with the algorithm (FIPS 180-4).
    assert "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='" in policy(
        scripts=[""], styles=[]
    )


def test_nothing_is_allowed_by_default():
    assert "default-src 'none'" == policy(scripts=[], styles=[]).split("; ")[0]


def test_nothing_unsafe_is_allowed():
    assert "unsafe" not in policy(scripts=["a"], styles=["b"])


def test_the_policy_of_a_page_has_its_scripts_and_its_style(page_path):
    page = read(page_path)
    head = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    directives = dict(part.split(" ", 1) for part in head.split("; "))
    scripts = [script.text for script in page.all("script") if "type" not in script.attributes]
    assert " ".join(map(hashed, scripts)) == directives["script-src"]
    assert hashed(page.one("style").text) == directives["style-src"]
