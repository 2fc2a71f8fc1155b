"""``policyproof``: the commands beside ``pytest controls/``."""

from __future__ import annotations

import argparse
import sys

from checks.core.errors import NotAssessed, PolicyproofError
from policyproof import (
    __version__,
    gate,
    inventory,
    ledger_command,
    policy,
    report,
    scan_command,
    serve,
    show,
    site_command,
    status,
)

EPILOG = """\
examples:
  policyproof policy lock privacy-policy.txt        fingerprint a policy's sentences
  policyproof policy lock https://example.com/privacy --as site
  policyproof policy show 9.2                       which controls cite a sentence
  policyproof inventory env staging                 which variables an environment needs
  policyproof report staging                        render the last run on staging again
  policyproof gate staging --new-only               what changed since the run before; stops a deploy
  policyproof ledger verify                         was anything changed since it was recorded?
  policyproof scan /var/log s3://bucket/exports     look for card numbers, wherever they are
  policyproof site https://www.example.com          cookies, storage and third parties of a web site
  policyproof status                                each environment's last run, and how old it is
  policyproof show last --control CARD-02           what a control saw
  policyproof serve                                 look at the ledger in a browser
  pytest controls/ --environment staging            run the controls
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line; each command adds its own part."""
    result = argparse.ArgumentParser(
        prog="policyproof",
        description="The privacy policy as code.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--version", action="version", version=f"policyproof {__version__}")
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")
    policy.add_to(commands)
    inventory.add_to(commands)
    report.add_to(commands)
    gate.add_to(commands)
    ledger_command.add_to(commands)
    scan_command.add_to(commands)
    site_command.add_to(commands)
    status.add_to(commands)
    show.add_to(commands)
    serve.add_to(commands)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, or 3 if a target would not answer, or 4 for a mistake in usage."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except NotAssessed as error:
        print(f"policyproof: {error}", file=sys.stderr)
        return 3
    except PolicyproofError as error:
        print(f"policyproof: {error}", file=sys.stderr)
        return 4
    return code


if __name__ == "__main__":
    sys.exit(main())
