"""What stands between the view and whoever asks: methods, names, headers, and no word too many."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

import view_ledger as made
from factories import clean
from flask import Flask
from flask.testing import FlaskClient

from reports.ledger import Ledger
from reports.view.app import create_app


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made.record(ledger, clean(), day=0)
    return create_app(ledger, title="The ledger")


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("address", ["/", "/run/1", "/ledger", "/nowhere", "/style.css"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_it_only_reads(browser: FlaskClient, method: str, address: str) -> None:
    answer = browser.open(address, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_answered_without_a_body(browser: FlaskClient) -> None:
    answer = browser.head("/run/1")
    assert answer.status_code == 200
    assert answer.get_data() == b""


@pytest.mark.parametrize(
    "address", ["/", "/run/1", "/nowhere", "/run/1?state=x", "/style.css", "/ledger/verify"]
)
def test_every_answer_is_armoured(browser: FlaskClient, address: str) -> None:
    headers = browser.get(address).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert "script-src" not in rules
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000", "LOCALHOST"]
)
def test_this_machine_is_known_by_its_own_names(browser: FlaskClient, host: str) -> None:
    assert browser.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
     "127.0.0.1@evil.example", "[::1", "", "localhost\\@evil.example"],
)  # fmt: skip
def test_another_name_is_refused_so_that_no_site_reads_it_by_rebinding(
    browser: FlaskClient, host: str
) -> None:
    answer = browser.get("/run/1", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "CARD-01" not in answer.get_data(as_text=True)


def test_with_addresses_any_address_will_do_and_still_no_name(tmp_path: Path) -> None:
    app = create_app(Ledger(tmp_path / "none"), title="x", hosts={"build-7"}, addresses=True)
    codes = {
        host: app.test_client().get("/", headers={"Host": host}).status_code
        for host in ("10.0.0.1:80", "[fe80::1]", "build-7", "evil.example")
    }
    assert codes == {"10.0.0.1:80": 200, "[fe80::1]": 200, "build-7": 200, "evil.example": 421}


@pytest.mark.parametrize(
    ("site", "code"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_another_site_starts_no_verification(browser: FlaskClient, site: str, code: int) -> None:
    assert browser.get("/ledger/verify", headers={"Sec-Fetch-Site": site}).status_code == code


def test_a_bug_of_ours_is_told_in_one_line_without_what_was_read(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise KeyError("4111111111111111")

    app.add_url_rule("/broken", "broken", broken)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/broken")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "policyproof itself broke here" in text
    assert "Traceback" not in text + caplog.text
    assert "4111111111111111" not in text + caplog.text
    assert "KeyError at test_view_security.py" in caplog.text


def test_a_file_that_is_no_ledger_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database\n" * 50)
    answer = create_app(Ledger(tmp_path / "ledger.sqlite"), title="x").test_client().get("/")
    assert answer.status_code == 500
    assert "ledger.sqlite" in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)
