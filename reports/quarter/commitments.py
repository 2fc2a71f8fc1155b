"""The opinion on each commitment and headline promise, from those on the controls that answer for it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reports.promises import HEADLINES, Headline
from reports.quarter.definition import Sentence
from reports.quarter.history import History
from reports.quarter.opinion import OPINIONS, Sight, Window, judge, rules, worst_opinion
from reports.quarter.period import at
from reports.quarter.shape import ControlFacts, Limits, Opinion, OpinionWord


def sights(history: History) -> dict[str, list[Sight]]:
    """Return for each control what every run that expected it said, in the order of runs."""
    seen: dict[str, list[Sight]] = defaultdict(list)
    for run in history.runs:
        for control, letter in run.plan.controls(run.states).items():
            seen[control].append(Sight(run.at, run.day, letter, run.removed))
    return dict(seen)


@dataclass(slots=True)
class Commitment:
    """A sentence with controls, and the runs in which the policy said it."""

    sentence: Sentence
    first: int
    last: int
    controls: dict[str, None] = field(default_factory=dict)


def commitments(history: History) -> list[Commitment]:
    """Return the sentences that a control answered for at some time, in the order of the policy.

    Under one version of the policy a sentence is what its number says, whatever our words for it;
    between versions it is the same while our words are: numbers may then mean something else.
    """
    runs = history.runs or [history.model]
    words: dict[tuple[str, str], str] = {}  # policy digest and number → our words, as they were last
    for run in runs:
        for name, sentence in run.definition.sentences.items():
            words[run.policy["digest"], name] = sentence.commitment
    found: dict[tuple[str, str], Commitment] = {}
    for index, run in enumerate(runs):
        for name, sentence in run.definition.sentences.items():
            key = (name, words[run.policy["digest"], name])
            if (known := found.get(key)) is None:
                known = found[key] = Commitment(sentence, index, index)
            known.sentence, known.last = sentence, index
            known.controls.update(dict.fromkeys(sentence.controls))
    kept = [one for one in found.values() if one.controls]
    return sorted(kept, key=lambda one: (one.sentence.section, _number(one.sentence.id), one.first))


def _number(clause: str) -> tuple[int, str]:
    tail = clause.rpartition(".")[2]
    return (int(tail) if tail.isdigit() else 0, clause)


def opinions(history: History, seen: dict[str, list[Sight]], limits: Limits) -> list[Opinion]:
    """Return the opinion on each commitment."""
    return [_opinion(history, one, seen, limits) for one in commitments(history)]


def _opinion(
    history: History, commitment: Commitment, seen: dict[str, list[Sight]], limits: Limits
) -> Opinion:
    runs, sentence = history.runs, commitment.sentence
    since = history.since if commitment.first == 0 else runs[commitment.first].at
    ends = commitment.last + 1 >= len(runs)
    until = history.until if ends else runs[commitment.last + 1].at
    window = Window(since, until)
    whole = commitment.first == 0 and ends
    facts = [
        judge(
            name, seen.get(name, ()) if whole else list(_within(seen.get(name, ()), window)), window, limits
        )
        for name in commitment.controls
    ]
    return _told(
        sentence.id, sentence.commitment, (sentence.section, sentence.section_title), [sentence.id],
        window, whole, facts, limits,
    )  # fmt: skip


def _within(seen: Iterable[Sight], window: Window) -> Iterator[Sight]:
    """Yield what was seen in a window; a run at its very end is the first that no longer had the sentence."""
    listed = list(seen)
    first = bisect_left(listed, window.since, key=lambda sight: sight.at)
    last = bisect_right(listed, window.until, key=lambda sight: sight.at)
    yield from listed[first:last]


def _told(
    name: str,
    title: str,
    section: tuple[int, str] | None,
    clauses: list[str],
    window: Window,
    whole: bool,
    facts: list[ControlFacts],
    limits: Limits,
    lacking: str | None = None,
) -> Opinion:
    word = worst_opinion([one["opinion"] for one in facts])
    if lacking is not None:
        word = worst_opinion([word, "not-sufficiently-observed"])
    return Opinion(
        id=name,
        title=title,
        section=section[0] if section else None,
        section_title=section[1] if section else None,
        clauses=clauses,
        since=at(window.since),
        until=at(window.until),
        whole=whole,
        opinion=word,
        rule=next(rule["rule"] for rule in rules(limits) if rule["opinion"] == word),
        reason=_reason(word, facts, lacking),
        days=min((one["days"] for one in facts), default=0) if lacking is None else 0,
        longest_gap=max((one["longest_gap"] for one in facts), default=window.until - window.since),
        controls=facts,
    )


def _reason(word: OpinionWord, facts: list[ControlFacts], lacking: str | None) -> str:
    deciding = [one for one in facts if one["opinion"] == word]
    if not deciding:
        return lacking or "No control answers for it."
    if word == "held-throughout":
        # The least observed speaks for all.
        one = max(deciding, key=lambda facts: facts["longest_unshown"])
        return f"{one['control']}: {one['reason']}"
    told: dict[str, list[str]] = {}
    for one in deciding:
        told.setdefault(one["reason"], []).append(one["control"])
    said = " ".join(_shared(reason, names) for reason, names in list(told.items())[:3])
    rest = sum(len(names) for names in list(told.values())[3:])
    return said if not rest else f"{said} And {rest} more of its controls."


def _shared(reason: str, names: list[str]) -> str:
    """Return a reason once, with the controls it is true of: ``For 57.4 days …: CARD-01 and CARD-02``."""
    if len(names) == 1:
        return f"{names[0]}: {reason}"
    listed = names[:3] if len(names) > 4 else names
    left = len(names) - len(listed)
    last = f"{left} more" if left else listed.pop()
    return f"{reason.removesuffix('.')}: {', '.join(listed)} and {last}."


def promised(history: History, told: list[Opinion], limits: Limits) -> list[Opinion]:
    """Return the opinion on each headline promise: the worst on its sentences."""
    return [_promise(history, headline, told, limits) for headline in HEADLINES]


def _promise(history: History, headline: Headline, told: list[Opinion], limits: Limits) -> Opinion:
    mine = [one for one in told if one["id"] in headline.clauses]
    lost = [clause for clause in headline.clauses if clause not in {one["id"] for one in mine}]
    facts: dict[str, ControlFacts] = {}
    for opinion in mine:
        for one in opinion["controls"]:
            known = facts.get(one["control"])
            if known is None or OPINIONS.index(one["opinion"]) < OPINIONS.index(known["opinion"]):
                facts[one["control"]] = one
    lacking = f"No control answers for sentence {', '.join(lost)}." if lost else None
    window = Window(history.since, history.until)
    whole = all(one["whole"] for one in mine)
    return _told(
        headline.id, headline.title, None, list(headline.clauses), window, whole, list(facts.values()),
        limits, lacking,
    )  # fmt: skip
