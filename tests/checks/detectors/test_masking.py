"""What scrub() lets through is harmless, and still readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.masking import mask_email, mask_value, scrub

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("", ""),
        ("no such column: created", "no such column: created"),
        ("card 4111 1111 1111 1111 refused", "card 411111******1111 refused"),
        ("4111111111111111,5555555555554444", "411111******1111,555555******4444"),
        ("Key (email)=(ann@example.com) exists", "Key (email)=(***@***.com) exists"),
        ("?to=ann%40example.org&x", "?to=***@***.org&x"),
        ("ann@localhost", "***@***"),
        ("from 203.0.113.9.", "from *.*.*.*."),
        ("at 10.0.0.1:5432", "at *.*.*.*:5432"),
        ("[2001:db8::17]:443", "[*:*:*]:443"),
        ("::ffff:203.0.113.9 spoke", "*:*:* spoke"),
        ("at 10:11:12 on line 5", "at 10:11:12 on line 5"),
        ("postgresql://app:hunter2@db/cloud", "postgresql://***@db/cloud"),
        ("redis://:p@ss/w@cache:6379/0", "redis://***@cache:6379/0"),
        ("dsn app:hunter2@db:5432", "dsn ***@db:5432"),
        ("password=hunter2 host=db", "password=*** host=db"),
        ("DB_PASSWORD='two words'; next", "DB_PASSWORD=***; next"),
        ('{"client_secret": "a\\"b", "id": 1}', '{"client_secret": ***, "id": 1}'),
        ("https://x/y?api_key=k1&page=2", "https://x/y?api_key=***&page=2"),
        ("Authorization: Bearer abc.def-1", "Authorization: ***"),
        ("sent Bearer abc.def-1 twice", "sent Bearer *** twice"),
        (f"got {JWT} back", "got *** back"),
        ("sha 0123456789abcdef0123456789abcdef01234567", "sha ***"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "***"),
        ("AKIA3J5EXAMPLEQ7Z2LM is the key", "*** is the key"),
        ("c2VjcmV0IHZhbHVlIG9mIG91cnM1+/x==", "***"),
        ("in checks/connectors/http2 line 7", "in checks/connectors/http2 line 7"),
        ("no_card_numbers_are_stored_in_text", "no_card_numbers_are_stored_in_text"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"),
        ("-----BEGIN PRIVATE KEY-----\nabc cut off", "***"),
    ],
)
def test_scrub(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


SECRETS = ["4111111111111111", "ann.lee@example.com", "203.0.113.77", "2001:db8::42", JWT, "5f" * 16]


@given(
    st.sampled_from(SECRETS),
    st.text(st.sampled_from(" \n\t'\"()<>,;|"), min_size=1, max_size=5),
    st.text(st.sampled_from(" \n\t'\"()<>,;|"), min_size=1, max_size=5),
    st.text(max_size=20),
)
def test_nothing_survives_between_delimiters(secret: str, before: str, after: str, text: str) -> None:
    assert secret not in scrub(f"{text}{before}{secret}{after}{text}")


def test_masked_values_tell_only_a_length_class() -> None:
    assert mask_value("") == "an empty value"
    assert mask_value("secret") == mask_value("x") == "a value of up to 8 characters"
    assert mask_value("s" * 12) == "a value of 9 to 32 characters"
    assert mask_value("s" * 100) == "a value of 33 to 256 characters"
    assert mask_value("s" * 1000) == "a value of more than 256 characters"


def test_masked_addresses_tell_only_the_top_level_domain() -> None:
    assert mask_email("ann@mail.example.com") == "***@***.com"
    assert mask_email("nothing") == "***@***"
