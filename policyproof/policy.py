"""``policyproof policy``: lock a policy's sentences, show what cites them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from checks.connectors.http import Site
from checks.core.controls import LOCK, load_controls
from checks.core.errors import PolicyLockError
from checks.core.model import Address, Endpoint, Target
from checks.core.policy import lock, policy_for, read_lock, write_lock
from checks.detectors.policy_changes import called, changes, known_to, not_locked
from checks.detectors.policy_text import read_policy


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    group = commands.add_parser("policy", help="lock and show the policy's sentences")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    locking = actions.add_parser(
        "lock",
        help="write fingerprints of a policy's text to controls/policy.lock",
        description="Reads a policy (text or HTML, numbered sections) and writes the SHA-256 of each"
        " sentence, of each heading and of what stands before section 1 to controls/policy.lock, and"
        " none of the text.",
    )
    locking.add_argument("source", metavar="FILE-or-URL")
    locking.add_argument(
        "--as", dest="name", default="enfyra", metavar="NAME", help="name in the lock (default: %(default)s)"
    )
    locking.add_argument("--ca", metavar="FILE", help="CA bundle for an https address")
    locking.add_argument("--controls", type=Path, default=Path("controls"), metavar="DIR")
    locking.set_defaults(run=run_lock)
    showing = actions.add_parser("show", help="show which controls cite a sentence")
    showing.add_argument("clause", nargs="?", metavar="CLAUSE", help="such as 9.2; all if left out")
    showing.add_argument("--as", dest="name", default="enfyra", metavar="NAME")
    showing.add_argument("--controls", type=Path, default=Path("controls"), metavar="DIR")
    showing.set_defaults(run=run_show)


def run_lock(options: argparse.Namespace) -> int:
    """Write the lock and say what changed."""
    text, source = _text(options.source, options.ca)
    document = lock(read_policy(text), options.name, source, datetime.now(UTC).date())
    path: Path = options.controls / LOCK
    documents = read_lock(path, shown=str(path)) if path.exists() else {}
    before = documents.get(options.name)
    documents[options.name] = document
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lock(path, documents)
    sections = len({clause.split(".")[0] for clause in document.clauses})
    print(f"{path}: policy {options.name!r}, {sections} sections, {len(document.clauses)} sentences")
    print(f"version {document.version or 'not stated'}, effective {document.effective or 'not stated'}")
    if "preamble" in not_locked(document.marks):
        print("before section 1: nothing stands there; lock the page itself to have its title watched")
    if before is not None and "headings" in not_locked(before.marks):
        print("headings: locked from now on")
    if before is not None:
        changed = changes(before.marks, known_to(before.marks, document.marks))
        told = ", ".join(called(one.clause) for one in changed)
        print(f"changed since {before.locked}: {told or 'nothing'}")
        if changed and (before.version, before.effective) == (document.version, document.effective):
            print("note: the text changed under the same version and date; give it new ones (POL-03)")
    return 0


def _text(source: str, ca: str | None) -> tuple[str, str]:
    """Return the policy's text and how its source is named in the lock (no path, no query)."""
    if "://" not in source:
        path = Path(source)
        try:
            return path.read_text("utf-8-sig"), path.name
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8 text"
            raise PolicyLockError(f"cannot be read ({reason})", path=source) from None
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PolicyLockError("is neither a file nor an http(s) address", path=parts.scheme + "://…")
    secrets = {"ca": Address("--ca", ca)} if ca else {}
    base = f"{parts.scheme}://{parts.netloc}"
    spec = Endpoint("policy", "site", "policy page")
    with Site.open(Target("policy", "site", "policy page", spec, Address("URL", base), secrets)) as site:
        return site.get(parts.path or "/").text, f"{parts.hostname}{parts.path}"


def run_show(options: argparse.Namespace) -> int:
    """Print the clauses with their status and the controls that cite them."""
    path: Path = options.controls / LOCK
    document = policy_for(read_lock(path, shown=str(path)), options.name, shown=str(path))
    controls = load_controls(options.controls, document, shown=str(options.controls))
    if options.clause is not None and options.clause not in document.clauses:
        raise PolicyLockError(f"no clause {options.clause}", path=str(path))
    for section in controls.sections:
        for clause in section.clauses:
            if options.clause in (None, clause.id):
                citing = [c.id for c in controls.controls.values() if clause.id in c.clauses]
                print(f"{clause.id:>5}  {clause.status:<12}  {clause.commitment}  {' '.join(citing)}")
    return 0
