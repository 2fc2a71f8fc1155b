"""An envelope says who vouches for a statement; anything altered in it is refused, in one line."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from reports.signing import Forged, SigningError, dsse, keys
from reports.signing.statement import BundleStatement, HeadStatement, read_bundle, read_head

HEAD = HeadStatement(12, "ab" * 32, "cd" * 32, {"lab": 7, "größer": 4}, 1, "2026-11-27T08:00:00Z")
PRIVATE, PUBLIC = keys.generate()


def envelope() -> dict[str, Any]:
    text = dsse.sign(HEAD.payload(), keys.private_key(PRIVATE, "k.pem"))
    return dict(json.loads(text))


def opened(data: object, public: bytes = PUBLIC) -> bytes:
    return dsse.payload(json.dumps(data).encode(), "ledger.dsse.json", keys.public_key(public, "k.pub.pem"))


def pae(kind: str, body: bytes) -> bytes:
    """Written from the DSSE protocol, not taken from the library that signs."""
    name = kind.encode()
    return b" ".join([b"DSSEv1", str(len(name)).encode(), name, str(len(body)).encode(), body])


def test_what_was_signed_comes_back() -> None:
    assert read_head(opened(envelope()), "x") == HEAD


def test_another_implementation_accepts_it_and_refuses_a_forged_one() -> None:
    data = envelope()
    key = load_pem_public_key(PUBLIC)
    body = base64.b64decode(data["payload"])
    signature = base64.b64decode(data["signatures"][0]["sig"])
    key.verify(signature, pae(data["payloadType"], body))  # type: ignore[call-arg,union-attr]
    with pytest.raises(InvalidSignature):
        key.verify(signature, pae(data["payloadType"], body.replace(b"ab", b"ac")))  # type: ignore[call-arg,union-attr]


def test_an_envelope_of_another_implementation_is_accepted_whatever_its_key_id() -> None:
    raw = form.load_pem_private_key(PRIVATE, None)
    assert isinstance(raw, Ed25519PrivateKey)
    signature = base64.b64encode(raw.sign(pae(dsse.PAYLOAD_TYPE, HEAD.payload()))).decode()
    for more in ({}, {"keyid": ""}, {"keyid": "theirs"}):
        data = {
            "payload": base64.b64encode(HEAD.payload()).decode(),
            "payloadType": dsse.PAYLOAD_TYPE,
            "signatures": [{"sig": signature, **more}],
        }
        assert opened(data) == HEAD.payload()


def test_one_of_several_signatures_is_enough() -> None:
    data = envelope()
    other = dsse.sign(HEAD.payload(), keys.private_key(keys.generate()[0], "other"))
    data["signatures"] = [*json.loads(other)["signatures"], *data["signatures"]]
    assert opened(data) == HEAD.payload()


def test_the_statement_is_one_of_in_toto() -> None:
    statement = json.loads(base64.b64decode(envelope()["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:policyproof:ledger-head:1"
    assert statement["subject"] == [{"name": "ledger entry 12", "digest": {"sha256": "ab" * 32}}]
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}


def altered(**change: Any) -> dict[str, Any]:
    return envelope() | change


def forged_payload() -> dict[str, Any]:
    other = HeadStatement(12, "ee" * 32, "cd" * 32, HEAD.runs, 1, HEAD.signed)
    return altered(payload=base64.b64encode(other.payload()).decode())


def forged_signature() -> dict[str, Any]:
    data = envelope()
    raw = bytearray(base64.b64decode(data["signatures"][0]["sig"]))
    raw[10] ^= 1
    data["signatures"][0]["sig"] = base64.b64encode(raw).decode()
    return data


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (forged_payload(), Forged, "what is signed, or its signature, was altered"),
        (forged_signature(), Forged, "what is signed, or its signature, was altered"),
        (altered(payloadType="text/plain"), Forged, "another type of payload"),
        (altered(signatures=[]), Forged, "not signed with this key"),
        (altered(signatures=[{"sig": "AAAA"}]), Forged, "not signed with this key"),
        (altered(signatures=[{"sig": "?"}]), SigningError, "is no signature"),
        (altered(signatures=None), SigningError, "is no signature"),
        (altered(signatures={"sig": "AAAA"}), SigningError, "is no signature"),
        (altered(payload="?"), SigningError, "is no signature"),
        (altered(payload=7), SigningError, "is no signature"),
        (altered(payloadType=7), Forged, "another type of payload"),
        ({}, SigningError, "is no signature"),
        ([], SigningError, "is no signature"),
        (None, SigningError, "is no signature"),
    ],
)
def test_what_does_not_hold_is_refused(data: object, error: type[SigningError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        opened(data)
    assert type(caught.value) is error
    assert str(caught.value).startswith("ledger.dsse.json: ")
    assert "\n" not in str(caught.value)


def test_another_key_is_refused() -> None:
    with pytest.raises(Forged, match="not signed with this key"):
        opened(envelope(), keys.generate()[1])


def test_no_json_and_too_much_of_it_are_refused() -> None:
    for text in (b"", b"\xff", b"[" * 100_000, b" " * (dsse.LARGEST + 1)):
        with pytest.raises(SigningError):
            dsse.payload(text, "x", None)


def test_a_key_may_be_encrypted() -> None:
    private, public = keys.generate("correct horse")
    assert b"ENCRYPTED" in private
    key = keys.private_key(private, "k.pem", "correct horse")
    assert dsse.payload(dsse.sign(b"{}", key).encode(), "x", keys.public_key(public, "p")) == b"{}"
    for passphrase, said in ((None, "POLICYPROOF_KEY_PASSPHRASE is not set"), ("wrong", "does not open it")):
        with pytest.raises(SigningError, match=said):
            keys.private_key(private, "k.pem", passphrase)
    assert keys.private_key(PRIVATE, "k.pem", "set for another key")


def test_keys_of_the_wrong_kind_are_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    private = other.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = other.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    for read, pem, said in (
        (keys.private_key, private, "is no Ed25519 key"),
        (keys.private_key, PUBLIC, "is a public key"),
        (keys.private_key, b"junk", "is no private key in PEM"),
        (keys.public_key, public, "is no Ed25519 key"),
        (keys.public_key, PRIVATE, "is a private key"),
        (keys.public_key, b"junk", "is no public key in PEM"),
    ):
        with pytest.raises(SigningError, match=f"k.pem: {said}"):
            read(pem, "k.pem")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        HEAD.payload().replace(b"Statement/v1", b"Statement/v0.1"),
        HEAD.payload().replace(b"ledger-head:1", b"ledger-head:2"),
        HEAD.payload().replace(b'"number":12', b'"number":13'),
        HEAD.payload().replace(b'"number":12', b'"number":true'),
        HEAD.payload().replace(b"ab" * 32, b"AB" * 32),
        HEAD.payload().replace(b'"lab":7', b'"lab":-7'),
        HEAD.payload().replace(b"2026-11-27T08:00:00Z", b"\\u001b[31m"),
    ],
)
def test_another_statement_is_not_taken_for_one_of_a_head(payload: bytes) -> None:
    with pytest.raises(SigningError, match="x: holds no statement of type urn:policyproof:ledger-head:1"):
        read_head(payload, "x")


def test_a_statement_of_a_bundle_is_not_one_of_a_head() -> None:
    bundle = BundleStatement(1, 3, "0" * 64, "ab" * 32, "cd" * 32, "ef" * 32, 9, "2026-11-27T08:00:00Z")
    assert read_bundle(bundle.payload(), "x") == bundle
    with pytest.raises(SigningError):
        read_head(bundle.payload(), "x")
    with pytest.raises(SigningError):
        read_bundle(HEAD.payload(), "x")
    with pytest.raises(SigningError):
        read_bundle(bundle.payload().replace(b'"last":3', b'"last":0'), "x")
