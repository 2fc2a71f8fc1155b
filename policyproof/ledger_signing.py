"""``policyproof ledger key`` and ``sign``: who vouches for a ledger, and since when."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from checks.core.errors import AuthorError
from policyproof import ledger_anchors as known
from policyproof.ledger_anchors import Anchor
from policyproof.ledger_common import (
    SIGNATURE,
    TOKEN,
    WHOLE,
    add_place,
    latest,
    now,
    own_file,
    place,
    put,
    put_new,
    signing_key,
)
from policyproof.ledger_verify import whole
from reports.ledger import Entry, Ledger
from reports.signing import dsse, keys, timestamp
from reports.signing.statement import HeadStatement


def add_to(actions: Any) -> None:
    """Add both actions to ``policyproof ledger``."""
    making = actions.add_parser(
        "key",
        help="make a key to sign with",
        description="Writes a new Ed25519 key to NEW.pem, for you alone, and its public half to NEW.pub.pem."
        f" With ${keys.PASSPHRASE} set it is encrypted. Nothing is overwritten.",
    )
    making.add_argument("path", type=Path, metavar="NEW.pem")
    making.set_defaults(run=run_key)
    signing = actions.add_parser(
        "sign",
        help="sign the ledger's head",
        description="Verifies the ledger, then signs the digest of its last entry (Ed25519; an in-toto"
        f" statement in a DSSE envelope). An encrypted key is opened with ${keys.PASSPHRASE}.",
    )
    add_place(signing)
    signing.add_argument("--key", type=Path, required=True, metavar="PRIVATE.pem")
    signing.add_argument("--timestamp", metavar="URL", help="have the signature dated (RFC 3161) there")
    signing.add_argument(
        "--tsa-cert", type=Path, metavar="PEM", help="root certificate of that authority (PEM)"
    )
    signing.add_argument("--output", type=Path, metavar="FILE", help=f"default: DIR/{SIGNATURE}")
    signing.set_defaults(run=run_sign)


def run_key(options: argparse.Namespace) -> int:
    """Write a new pair of keys and print both paths."""
    path: Path = options.path
    public_path = path.with_name(path.name.removesuffix(".pem") + ".pub.pem")
    private, public = keys.generate(os.environ.get(keys.PASSPHRASE))
    for one in (path, public_path):
        if one.exists():
            raise AuthorError("is there already, and is not overwritten", path=one)
    put_new(path, private, 0o600)
    put_new(public_path, public)
    locked = "encrypted" if b"ENCRYPTED" in private else f"not encrypted: ${keys.PASSPHRASE} is not set"
    print(f"{path}: private key, {locked}; keep it where the ledger's writers cannot read it")
    print(f"{public_path}: public key, for `policyproof ledger verify --key`")
    return WHOLE


def run_sign(options: argparse.Namespace) -> int:
    """Sign the last entry and print what was signed; nothing is written unless all of it holds."""
    if (options.timestamp is None) != (options.tsa_cert is None):
        raise AuthorError("--timestamp and --tsa-cert go together: a date that nobody can check is none")
    key = signing_key(options.key)
    ledger, folder = place(options)
    head = latest(ledger)
    output: Path = options.output or folder / SIGNATURE
    anchors = known.reports(folder)
    if output.exists():  # what was signed before must still be there: a ledger cut short is not signed
        before = known.signature(output, None, None).said
        anchors.append(Anchor(before.number, before.digest, str(output), "signature"))
    whole(ledger, anchors, blocks=True)
    text = dsse.sign(statement(ledger, head).payload(), key)
    token = None
    if options.timestamp is not None:
        certificates = own_file(options.tsa_cert, "the authority's certificate")
        public = keys.public_key(keys.public_of(key), str(options.key))
        signature = dsse.signature(text.encode(), str(output), public)
        token = timestamp.ask(options.timestamp, signature, certificates, str(options.tsa_cert))
    token_path = output.with_name(output.name + TOKEN)
    token_path.unlink(missing_ok=True)  # one about the signature before
    put(output, text)
    print(f"{output}: entry {head.number} of {ledger.name}, {head.digest}")
    if token is not None:
        put_new(token_path, token)
        print(f"{token_path}: timestamp over the signature")
    return WHOLE


def statement(ledger: Ledger, head: Entry) -> HeadStatement:
    """Return what is said of a ledger up to ``head``."""
    runs: dict[str, int] = {}
    prunes = 0
    for one in ledger.entries(kind=None, before=head.number + 1):
        if one.kind == "run":
            runs[one.environment] = runs.get(one.environment, 0) + 1
        else:
            prunes += 1
    return HeadStatement(head.number, head.digest, head.previous, runs, prunes, now())
