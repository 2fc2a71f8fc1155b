"""The report for pull requests and chats: GitHub flavoured Markdown, compact, below one mebibyte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reports.renderers import words
from reports.renderers.gfm import code, cut, plain, table
from reports.renderers.words import WORDS, counted, number, tallied, word
from reports.shape import Control, Item, Observation, Section, Summary, Verdict

LIMIT = 1_000_000
"""Bytes at most; GitHub refuses to show more than a mebibyte."""
SHOWN = 10
"""Findings of one verdict that are shown; ``report.json`` holds more."""
NAMED = 20
"""Items of a list that are named before *and N more*."""


def render(summary: Summary) -> str:
    """Return the report; the policy's sections are cut first if it would be too long."""
    head = "\n".join(_head(summary)) + "\n"
    tail = "\n".join(_tail(summary)) + "\n"
    tail = cut(tail, LIMIT // 3)
    sections = (
        "\n".join(line for section in summary["sections"] for line in _section(section, summary)) + "\n"
    )
    if summary["elsewhere"]:
        sections += (
            "\n".join(["\n## Controls of no section", *_controls(summary["elsewhere"], summary)]) + "\n"
        )
    head = cut(head, LIMIT // 3)
    return head + cut(sections, LIMIT - len(head.encode()) - len(tail.encode())) + tail


def _head(r: Summary) -> Iterator[str]:
    environment, run, policy = r["environment"], r["run"], r["policy"]
    mark = "LAB, synthetic data: " if environment["synthetic"] else ""
    yield f"# {mark}privacy policy report, {plain(environment['label'])}: {WORDS[r['verdict']['state']][1]}"
    if not r["verdict"]["complete"]:
        missing = counted(len(r["gaps"]) + len(r["errors"]), "thing")
        yield f"\n> [!CAUTION]\n> **INCOMPLETE REPORT** — {missing} that should have run did not."
    if environment["banner"]:
        yield f"\n> [!WARNING]\n> **{environment['banner']}**"
    yield f"\n**{word(r['verdict']['state'])}.** {plain(r['verdict']['headline'])}\n"
    for caveat in r["verdict"]["caveats"]:
        yield f"- {plain(caveat)}"
    yield ""
    yield from table(
        ("", ""),
        [
            (
                "Environment",
                f"{code(environment['id'])}{', synthetic data' if environment['synthetic'] else ''}",
            ),
            (
                "Policy",
                f"{plain(policy['id'])}, version {plain(policy['version'] or 'not stated')}, "
                f"effective {plain(words.day(policy['effective']))}",
            ),
            ("Run", f"{words.moment(run['started'])}, took {run['seconds']:.1f} s"),
            (
                "By",
                f"policyproof {plain(run['version'])}, Python {run['python']}, host {code(run['host'])}",
            ),
        ],
    )
    yield "\n## Four promises\n"
    yield from table(
        ("Promise", "State", "Shown by", "Looked at"),
        [
            (
                f"{p['title']} ({', '.join(p['clauses'])})",
                word(p["state"])
                + (", with waivers" if p["state"] == "held" and p["verdicts"]["waived"] else ""),
                plain(p["reason"]),
                plain(words.amounts(p["measures"]))
                + (f"; oldest {words.age(p['oldest'])}" if p["oldest"] is not None else ""),
            )
            for p in r["promises"]
        ],
    )
    if r["failures"]:
        yield "\n## What fails\n"
        yield from table(
            ("Severity", "Control", "Target", "Seen"),
            [
                (
                    f["severity"] + ("" if f["gated"] else " (below the gate)"),
                    f"{code(f['control'])} {plain(f['title'])}",
                    code(f["target"]),
                    plain(f["reason"]),
                )
                for f in r["failures"][:100]
            ],
        )
        yield from _more(len(r["failures"]) - 100)
    c = r["coverage"]
    yield "\n## Coverage of the policy\n"
    yield (
        f"{counted(c['sentences'], 'sentence')}: {c['automated']} automated, {c['attested']} attested, "
        f"{c['not_testable']} not testable, {c['uncovered']} uncovered."
    )
    for gap in c["gaps"]:
        yield f"- Gap: **{plain(gap['id'])}** {plain(gap['commitment'])}{_why(gap['why'])}"
    yield "\n## The policy by section\n"
    yield from table(
        ("Section", "Result", "Verdicts"),
        [
            (f"{s['number']}. {plain(s['title'])}", word(s["state"]), tallied(s["counts"]))
            for s in r["sections"]
        ]
        + [("**All controls, each once**", "", f"**{tallied(r['counts']['verdicts'])}**")],
    )


def _section(s: Section, r: Summary) -> Iterator[str]:
    yield f"\n## {s['number']}. {plain(s['title'])}: {word(s['state'])}\n"
    yield from table(
        ("Sentence", "What it promises", "Covered", "Result"),
        [
            (
                plain(clause["id"]),
                plain(clause["commitment"]) + _why(clause["why"]),
                f"{WORDS[clause['status']][1]}{': ' if clause['controls'] else ''}"
                + ", ".join(code(name) for name in clause["controls"]),
                word(clause["state"]),
            )
            for clause in s["clauses"]
        ],
    )
    yield from _controls(s["controls"], r)
    if s["references"]:
        shown = ", ".join(f"{code(ref['id'])} (section {ref['section']})" for ref in s["references"])
        yield f"\nAlso serving this section: {shown}"


def _controls(controls: Iterable[Control], r: Summary) -> Iterator[str]:
    for c in controls:
        yield f"\n### {code(c['id'])} {plain(c['title'])}: {word(c['state'])}\n"
        yield plain(c["commitment"])
        yield (
            f"\n{c['severity']} · {', '.join(map(plain, c['clauses']))} · owner {plain(c['owner'])} · "
            f"{tallied(c['counts'])} · {code(words.place(c['location']))}\n"
        )
        passing = [v for v in c["verdicts"] if v["state"] == "pass"]
        for v in passing[:NAMED]:
            yield f"- {word('pass')} {code(v['target'])} {plain(v['reason'])}{_looked(v)}"
        if len(passing) > NAMED:
            yield f"- {word('pass')}: {len(passing) - NAMED:,} more"
        for v in c["verdicts"]:
            if v["state"] != "pass":
                yield from _verdict(v, c)
        for gap in c["gaps"][:NAMED]:
            yield f"- **{word('did-not-run')}** {code(gap['target'] or c['id'])} {plain(gap['reason'])}"
        yield from _more(len(c["gaps"]) - NAMED)


def _verdict(v: Verdict, c: Control) -> Iterator[str]:
    yield f"- **{word(v['state'])}** {code(v['target'])} {plain(v['reason'])}{_looked(v)}"
    for w in v["waivers"]:
        yield (
            f"  - {word('expired' if w['expired'] else 'waived')}: {plain(w['reason'])} "
            f"(approved by {plain(w['approver'])}, {words.days(w['days_left'])})"
        )
    if v["crash"]:
        yield "  - policyproof itself broke here; its trace is below, among what was not assessed"
    for label, rows, total in (
        ("", v["findings"], v["counts"]["violated"]),
        ("not seen: ", v["unseen"], v["counts"]["unseen"]),
    ):
        for row in rows[:SHOWN]:
            yield f"  - {label}{_observation(row, c['remediation'])}"
        if total > len(rows[:SHOWN]):
            yield f"  - and {total - len(rows[:SHOWN]):,} more"
    if v["counts"]["violated"]:
        yield f"  - What to do: {plain(c['remediation'])}"


def _observation(row: Observation, general: str) -> str:
    where = f" at {code(words.place(row['location']))}" if row["location"] else ""
    remedy = row["remediation"]
    special = f" — what to do: {plain(remedy)}" if remedy and remedy != general else ""
    return f"{code(row['subject'])} {plain(row['detail'])}{where}{special}"


def _looked(v: Verdict) -> str:
    said = [plain(words.amounts(v["measures"]))] if v["measures"] else []
    if v["extent"] == "sampled":
        said.append("**a sample, not the whole**")
    if v["oldest"] is not None:
        said.append(f"oldest {words.age(v['oldest'])}")
    return f" ({'; '.join(said)})" if said else ""


def _tail(r: Summary) -> Iterator[str]:
    yield "\n## What was not assessed\n"
    if not r["not_assessed"] and r["verdict"]["complete"]:
        yield "Nothing: every expected verdict was reached."
    for group in r["not_assessed"]:
        yield f"- **{plain(group['reason'])}**: {_names(group['items'])}"
    if not r["verdict"]["complete"]:
        yield "\n### Expected, and did not run\n"
        for error in r["errors"]:
            yield f"- {plain(error)}"
        for gap in r["gaps"][:200]:
            name = gap["control"] + (f"[{gap['target']}]" if gap["target"] else "")
            yield f"- {code(name)} {plain(gap['reason'])}"
        yield from _more(len(r["gaps"]) - 200)
    if r["engine_failures"]:
        yield "\n### Failures of policyproof itself\n"
    for failure in r["engine_failures"]:
        yield f"{_names(failure['items'])}\n"
        # Indented, not fenced: nothing in the trace can end the block.
        yield "\n".join(f"    {line}" for line in failure["trace"].splitlines()) + "\n"
    yield "\n## Waivers\n"
    yield from table(
        ("Control and target", "Accepted", "Approved by", "Expires"),
        [
            (
                code(f"{w['control']}[{w['target']}]"),
                f"{plain(w['reason'])} (for {code(w['subject'])}; {counted(w['accepts'], 'verdict')})",
                plain(w["approver"]),
                f"{w['expires']}: {'✗ ' if w['expired'] else ''}{words.days(w['days_left'])}",
            )
            for w in r["waivers"]
        ],
    )
    yield "\n## Attestations\n"
    yield from table(
        ("Attestation", "Statement", "Owner", "Dated", "Expires", "Verdict"),
        [
            (
                code(a["id"]),
                plain(a["statement"]),
                plain(a["owner"]),
                a["dated"],
                f"{a['expires']}: {words.days(a['days_left'])}",
                word(a["state"]) if a["state"] else "no control reads it",
            )
            for a in r["attestations"]
        ],
    )
    yield "\n## Appendix\n"
    rows = [(f"policy {plain(r['policy']['id'])}", code(r["policy"]["digest"]))]
    rows += [(plain(name.replace("_", " ")), code(digest)) for name, digest in r["digests"].items()]
    if r["ledger"] is not None:
        rows.append((f"this run in the ledger, number {r['ledger']['number']}", code(r["ledger"]["digest"])))
        rows.append(("the run before it", code(r["ledger"]["previous"])))
    yield from table(("What", "SHA-256"), rows)
    if r["ledger"] is None:
        yield "\n**This run is not in the ledger**, so this report cannot be verified."
    yield f"\nRun {code(r['run']['id'])}, gate {r['verdict']['gate']}, exit code {r['verdict']['exit_code']}."


def _names(items: Sequence[Item]) -> str:
    shown = ", ".join(code(f"{item['control']}[{item['target']}]") for item in items[:NAMED])
    return shown + (f" and {len(items) - NAMED:,} more" if len(items) > NAMED else "")


def _more(left: int) -> Iterator[str]:
    if left > 0:
        yield f"\nand {number(left)} more"


def _why(why: str | None) -> str:
    return f" *{plain(why)}*" if why else ""
