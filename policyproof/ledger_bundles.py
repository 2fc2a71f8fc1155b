"""``policyproof ledger export`` and ``rebuild``: out into signed bundles, and back without loss."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from checks.core.errors import AuthorError
from policyproof import ledger_anchors as known
from policyproof.ledger_common import (
    WHOLE,
    add_place,
    latest,
    make_room,
    many,
    now,
    place,
    signing_key,
    verifying_key,
    waiting,
)
from policyproof.ledger_verify import whole
from reports.ledger import Entry, Ledger
from reports.signing import Forged, SigningError, bundles, dsse
from reports.signing.living import living
from reports.signing.reading import Bundle, restoring


def add_to(actions: Any) -> None:
    """Add both actions to ``policyproof ledger``."""
    out = actions.add_parser(
        "export",
        help="write entries and evidence to a signed bundle",
        description="Verifies the ledger, then writes its entries, and the blocks they name, to one zip.",
    )
    add_place(out)
    out.add_argument("--to", type=Path, required=True, metavar="DIR-or-FILE.zip")
    out.add_argument(
        "--from", type=int, default=1, dest="first", metavar="N", help="begin with entry N (default: 1)"
    )
    out.add_argument("--key", type=Path, metavar="PRIVATE.pem", help="sign the bundle; without, it is not")
    out.set_defaults(run=run_export)
    back = actions.add_parser(
        "rebuild",
        help="make a ledger from its bundles",
        description="Checks every bundle, then makes a new ledger from them: the same entries, the same"
        " digests. Bundles are given in order, from entry 1, without gap or overlap.",
    )
    back.add_argument("files", type=Path, nargs="+", metavar="BUNDLE")
    back.add_argument("--ledger", required=True, metavar="NEW", help="a new file, or an empty postgresql://…")
    trust = back.add_mutually_exclusive_group(required=True)
    trust.add_argument("--key", type=Path, metavar="PUB.pem", help="every bundle must be signed with it")
    trust.add_argument("--unsigned", action="store_true", help="take bundles whoever made them")
    back.add_argument(
        "--head", action="append", default=[], metavar="DIGEST", help="a digest that an entry must have"
    )
    back.set_defaults(run=run_rebuild)


def run_export(options: argparse.Namespace) -> int:
    """Write a bundle and print its path and what it holds."""
    key = None if options.key is None else signing_key(options.key)
    ledger, folder = place(options)
    head = latest(ledger)
    if not 1 <= options.first <= head.number:
        raise AuthorError(f"--from: entries are 1 to {head.number}")
    to: Path = options.to
    if to.suffix != ".zip":
        to = to / f"ledger-{options.first:06}-{head.number:06}.zip"
    if to.exists():
        raise AuthorError("is there already, and is not overwritten", path=to)
    whole(ledger, known.reports(folder), blocks=True)

    def entries() -> Iterator[Entry]:
        return ledger.entries(kind=None, before=head.number + 1)

    draft = to.with_name(f".{to.name}.{os.getpid()}")
    make_room(to)
    try:
        with ledger.look(), waiting(f"exporting {many(head.number - options.first + 1, 'entry')}"):
            with draft.open("xb") as stream:
                said = bundles.write(
                    stream,
                    (one for one in entries() if one.number >= options.first),
                    ledger.raw_block,
                    living(entries),
                    now(),
                    None if key is None else lambda payload: dsse.sign(payload, key),
                )
            os.link(draft, to)  # refuses to take another's place, as a rename would not
    except FileExistsError:
        raise AuthorError("is there already, and is not overwritten", path=to) from None
    except OSError as error:
        raise AuthorError(f"cannot be written ({error.strerror})", path=to) from None
    finally:
        with suppress(OSError):
            draft.unlink()
    print(f"{to}: entries {said.first} to {said.last}, {many(said.count, 'block')}; head {said.digest}")
    if key is None:
        print("not signed: `rebuild` takes it with --unsigned only")
    return WHOLE


def run_rebuild(options: argparse.Namespace) -> int:
    """Make a new ledger from bundles; none is made unless all of them hold."""
    key = verifying_key(options.key)
    target = Path(options.ledger) if "://" not in options.ledger else None
    if target is not None and target.exists():
        raise AuthorError("is there already, and is not overwritten", path=target)
    with ExitStack() as stack, waiting(f"rebuilding from {many(len(options.files), 'bundle')}"):
        read = []
        for path in options.files:
            try:
                stream = stack.enter_context(path.open("rb"))
            except OSError as error:
                raise SigningError(f"{path}: cannot be read ({error.strerror})") from None
            read.append(Bundle(stream, str(path), key))
        entries, get = restoring(read)
        wanted = {text.strip().lower() for text in options.head}
        if missing := wanted - {one.digest for one in entries()} if wanted else set():
            raise Forged(f"no entry in these bundles has the digest {min(missing)}")
        last = read[-1].statement
        if target is None:
            ledger = Ledger(options.ledger)
            ledger.restore(entries(), get)
        else:
            ledger = _file(target, entries(), get)
    whole(ledger, [known.Anchor(last.last, last.digest, str(options.files[-1]), "bundle")], blocks=True)
    print(f"{ledger.name}: {many(last.last, 'entry')} as recorded; head {last.digest}")
    print("signed with this key" if key is not None else "who made the bundles was not checked (--unsigned)")
    return WHOLE


def _file(target: Path, entries: Iterable[Entry], get: Callable[[str], str | None]) -> Ledger:
    """Restore into a file beside, which takes its name only when all is there."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    parts = [draft, *(draft.with_name(draft.name + end) for end in ("-wal", "-shm"))]
    make_room(target)
    try:
        Ledger(draft).restore(entries, get)
        os.link(draft, target)
    except FileExistsError:
        raise AuthorError("is there already, and is not overwritten", path=target) from None
    except OSError as error:
        raise AuthorError(f"cannot be written ({error.strerror})", path=target) from None
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink()
    return Ledger(target)
