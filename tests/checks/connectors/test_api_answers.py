"""What answers hold, of every status: each check on a clean API, a violating one and a silent one."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import pytest
from api_people import DOCUMENT, SECRET, People, api_target, judged, probes, serving_people, verdict
from http_servers import Client, serving, silent

from checks import api
from checks.core.model import Status

CARD = "4111" + "111111111111"
HASH = "$2b$12$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
CHECKS: list[tuple[Any, dict[str, Any]]] = [
    (api.no_card_numbers_answered, {}),
    (api.no_secrets_answered, {}),
    (api.no_hidden_fields_answered, {"categories": (SECRET,)}),
    (api.no_internals_answered, {}),
    (api.errors_name_nobody, {}),
    (api.bodies_as_documented, {}),
]


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_clean(check: Any, params: dict[str, Any]) -> None:
    assert judged(check, People(), **params)[0] is Status.PASS


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_clean_without_probes(check: Any, params: dict[str, Any]) -> None:
    with serving_people(People()) as server:
        assert verdict(check, api_target(server.url, None), **params)[0] is Status.PASS
        assert {client.method for client in server.requests} == {"GET"}


@pytest.mark.parametrize(("check", "params"), CHECKS)
def test_silent_and_empty(check: Any, params: dict[str, Any]) -> None:
    people = People()
    for things in people.things.values():
        things.clear()
    for answer in (people.answer, silent) if check is api.no_secrets_answered else (people.answer,):
        with serving({"/openapi.json": people.answer, "*": answer}) as server:
            status, reason, _ = verdict(check, api_target(server.url, probes()), **params)
        assert status is Status.NOT_ASSESSED
        assert re.fullmatch(r".{5,300}", reason)


def in_title(text: str) -> People:
    """Return people whose first thing has this title."""
    people = People()
    people.things["us"][0]["title"] = text
    return people


@pytest.mark.parametrize(
    ("check", "people", "words", "secret"),
    [
        (api.no_card_numbers_answered, in_title(CARD), "number 411111******1111", CARD),
        (api.no_card_numbers_answered, People(error=CARD), "number 411111******1111", CARD),
        (api.no_secrets_answered, in_title(HASH), "bcrypt password hash", HASH),
        (api.no_secrets_answered, in_title("-----BEGIN RSA PRIVATE KEY-----"), "private key", "RSA"),
        (
            api.no_secrets_answered,
            People(error='{"client_secret": "hush-hush"}'),
            "field client_secret",
            "hush",
        ),
        (
            api.no_internals_answered,
            People(error="Traceback (most recent call last):\n f"),
            "Python traceback",
            "\n",
        ),
        (api.no_internals_answered, People(error="SELECT pw FROM people WHERE id=1"), "SQL statement", "pw"),
        (api.errors_name_nobody, People(error="no, says ada@example.com"), "an e-mail address", "ada"),
        (api.errors_name_nobody, People(error="no, 203.0.113.7"), "an IP address", "203"),
    ],
)
def test_violating(check: Any, people: People, words: str, secret: str) -> None:
    status, _, found = judged(check, people)
    assert status is Status.FAIL
    assert any(words in seen.detail for seen in found)
    assert secret not in repr(found)


def test_an_answer_about_sql_is_no_error_and_a_masked_secret_is_none() -> None:
    people = in_title("SELECT a FROM b WHERE c")
    assert judged(api.no_internals_answered, people)[0] is Status.PASS
    people = People(error='{"password": "********", "secret": null}')
    assert judged(api.no_secrets_answered, people)[0] is Status.PASS


def test_an_address_of_ours_in_an_error_is_nobodys() -> None:
    people = People(error="ask support@acme.example")
    assert judged(api.errors_name_nobody, people)[0] is Status.PASS
    people = People(error="ask ada@acme.example")
    assert judged(api.errors_name_nobody, people)[0] is Status.FAIL


def test_a_hidden_column_is_found_in_any_spelling() -> None:
    people = People()
    people.things["us"][0]["pwHash"] = "s3cret"
    status, _, found = judged(api.no_hidden_fields_answered, people, categories=(SECRET,))
    assert status is Status.FAIL
    assert "field pwHash is column people.pw_hash" in found[0].detail
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("phone", "+49 30 1", "field phone is personal (user.contact.phone_number) and not documented"),
        ("contact", "ada@example.com", "field contact is personal (an e-mail address) and not documented"),
        ("title", 7, "[].title is not of type string"),
    ],
)
def test_a_body_that_is_not_as_documented(field: str, value: Any, words: str) -> None:
    people = People()
    people.things["us"][0][field] = value
    status, _, found = judged(api.bodies_as_documented, people)
    assert status is Status.FAIL
    assert any(words in seen.detail for seen in found)
    assert "ada" not in repr(found)


def test_an_undocumented_field_that_is_nobodys_is_no_violation() -> None:
    people = People()
    people.things["us"][0]["colour"] = "red"
    assert judged(api.bodies_as_documented, people)[0] is Status.PASS


def test_generated_requests_are_reads_bounded_and_the_same_every_time() -> None:
    asked = []
    for _ in range(2):
        with serving_people(People()) as server:
            target = api_target(server.url, probes(generated=4))
            assert verdict(api.no_secrets_answered, target)[0] is Status.PASS
            assert {client.method for client in server.requests} == {"GET"}
            asked.append([client.path for client in server.requests])
    assert asked[0] == asked[1]
    assert 5 < len(asked[0]) <= 1 + 2 + 2 + 1 + 2 * 4


def test_generated_writes_are_sent_only_where_they_are_allowed() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    document["paths"]["/things"]["delete"] = {"responses": {"204": {"description": "Gone"}}}
    people = People()

    def answer(client: Client) -> None:
        client.json(document) if client.path == "/openapi.json" else people.answer(client)

    for methods in (("GET",), ("GET", "DELETE")):
        with serving({"*": answer}) as server:
            verdict(api.no_secrets_answered, api_target(server.url, probes(generated=2, methods=methods)))
            assert {client.method for client in server.requests} == set(methods)


def test_without_schemathesis_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from checks.connectors import api_generated

    api_generated._made.cache_clear()
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    status, reason, _ = judged(api.no_secrets_answered, People(), probes(generated=2))
    assert status is Status.NOT_ASSESSED
    assert "pip install 'policyproof[api]'" in reason


def test_a_look_that_broke_off_is_broken_off_for_every_check() -> None:
    with serving_people(People()) as server:
        from checks.connectors.http import Api

        with Api.open(api_target(server.url, probes(requests=3)), timeout=0.5) as view:
            for check in (api.no_secrets_answered, api.no_internals_answered):
                with pytest.raises(Exception, match="over the 3 requests that probes allow"):
                    list(check(view))


def test_a_hostile_answer_costs_little_time() -> None:
    """Near misses of every form, at length: patterns stay linear."""
    text = "at a." * 20_000 + "$2b$12$" * 20_000 + "eyJ" + "a" * 200_000 + "select " * 20_000 + "a@b" * 50_000
    started = time.monotonic()
    judged(api.no_internals_answered, People(error=text))
    judged(api.no_secrets_answered, People(error=text))
    judged(api.errors_name_nobody, People(error=text))
    assert time.monotonic() - started < 8
