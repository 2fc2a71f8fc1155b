"""``policyproof site``: names what a site does to visitors, with exit codes to build on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks.connectors.browser_runtime import CHROMIUM
from policyproof.__main__ import main
from tests.checks.connectors.http_servers import page, serving

VALUE = "grace@person.example"
BAD = f"""<p>hello<script>document.cookie = "follow={VALUE}; max-age=200000";
localStorage.setItem("seen", "1");
new Image().src = "https://pixel.third.example/p.gif?who={VALUE}";</script>
<form method=post action="http://forms.third.example/in?u={VALUE}"></form>
<a href="https://elsewhere.example/who/{VALUE}">away</a>"""
QUICK = ("--wait", "0.1", "--timeout", "8")


pytestmark = pytest.mark.usefixtures("one_browser")


def test_a_clean_site(capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/": page("<p>hello")}) as server:
        assert main(["site", server.url, "--crawl", "1", *QUICK]) == 0
    said = capsys.readouterr().out
    assert said.endswith("nothing found\n")
    assert "1 page before any choice; 1 page with Sec-GPC: 1" in said


def test_everything_met_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving({"/start": page(BAD)}) as server:
        kept = str(tmp_path / "kept")
        assert main(["site", f"{server.url}/start", "--screenshots", kept, *QUICK]) == 1
        text = capsys.readouterr().out
        assert main(["site", f"{server.url}/start", "--format", "json", *QUICK]) == 1
        document = json.loads(capsys.readouterr().out)
    assert "forms:\n  http://forms.third.example/in  POST, on /start, unencrypted, in every state\n" in text
    start = f"{server.url}/start"
    plain = "form http://forms.third.example/in: form on /start, sends by POST without TLS"
    assert f"no form sent unencrypted: {plain}" in text
    (form,) = (one for one in document["findings"] if one["check"] == "site.no_form_sent_unencrypted")
    assert form["where"] == start
    assert "links to other sites:\n  elsewhere.example  on /start, in every state\n" in text
    for name in ("follow", "localStorage seen", "pixel.third.example", "an e-mail address", "for 2 days"):
        assert name in text
    assert VALUE not in text
    assert VALUE not in json.dumps(document)
    assert [one["name"] for one in document["cookies"]] == ["follow"]
    assert [one["name"] for one in document["storage"]] == ["localStorage seen"]
    hosts = ["pixel.third.example", "forms.third.example"]
    assert [one["name"] for one in document["third_parties"]] == hosts
    assert [one["name"] for one in document["links_to_other_sites"]] == ["elsewhere.example"]
    assert document["exit_code"] == 1
    assert len(list((tmp_path / "kept").iterdir())) == 4


def test_a_form_sent_unencrypted_is_a_finding_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/": page("<p>join<form action=/in><input name=mail></form>")}) as server:
        assert main(["site", server.url, "--crawl", "1", *QUICK]) == 1
    assert capsys.readouterr().out.endswith("without TLS\n\n1 finding\n")


def test_what_is_said_to_be_essential_is_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/": page("<p>x<script>localStorage.theme = 'dark'</script>")}) as server:
        assert main(["site", server.url, *QUICK]) == 1
        assert main(["site", server.url, "--essential", "theme", *QUICK]) == 0
    assert "localStorage theme" in capsys.readouterr().out


def test_a_filter_list_is_given_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    body = "<p>hello<script src=/lib/a.js></script>"
    (tmp_path / "list.txt").write_text("/pixel.gif?\n", "utf-8")
    loading = page("new Image().src = '/pixel.gif?who=1'", "text/javascript")
    with serving({"/": page(body), "/lib/a.js": loading}) as server:
        assert main(["site", server.url, "--filter-list", str(tmp_path / "list.txt"), *QUICK]) == 1
        text = capsys.readouterr().out
        assert main(["site", server.url, "--filter-list", str(tmp_path / "none.txt"), *QUICK]) == 3
    assert "named by the filter list (/pixel.gif?)" in text
    assert f"image on /, asked for by {server.url}/lib/a.js, brought by {server.url}/" in text
    assert "filter list none.txt does not exist" in capsys.readouterr().out


def test_a_page_that_fails_is_not_a_pass(capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/": page("<p>no", status=503)}) as server:
        assert main(["site", server.url, *QUICK]) == 3
    assert "HTTP 503" in capsys.readouterr().out


def test_nothing_listens(capsys: pytest.CaptureFixture[str]) -> None:
    with serving({}) as server:
        url = server.url
    assert main(["site", url, *QUICK]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_browser(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHROMIUM, "no-such-program")
    assert main(["site", "https://www.example", *QUICK]) == 3
    assert capsys.readouterr().err == f"policyproof: {CHROMIUM} names no program that can be started\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["www.example.com"], "such as https://www.example.com"),
        (["ftp://www.example.com"], "such as https://www.example.com"),
        (["https://www.example.com:port"], "such as https://www.example.com"),
        (["https://www.example.com", "--crawl", "0"], "--crawl 0"),
        (["https://www.example.com", "--wait", "0"], "--wait 0"),
        (["https://www.example.com", "--ca", "missing.pem"], "no such file"),
    ],
)
def test_mistakes(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", *arguments]) == 4
    assert words in capsys.readouterr().err
