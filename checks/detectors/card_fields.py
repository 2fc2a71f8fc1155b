"""Fields made to hold a full card number or security code, told by their name or their comment."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBER = "a full card number"
CODE = "a card security code"
TRACK = "the data of a card's magnetic stripe"
PIN = "the PIN of a card"

# cardNumber, CARD_NUMBER, card-number and card.number all fall into the words card, number.
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAYS_NUMBER = _words("number numbers num no nr nbr")
_SAYS_WHOLE = _SAYS_NUMBER | _words("data encrypted enc raw clear plain plaintext full value")
_GLUED = {
    **dict.fromkeys(_words("cardnumber cardnum cardno cardnr ccnumber ccnum ccno fullpan"), NUMBER),
    **dict.fromkeys(_words("creditcardnumber creditcardno debitcardnumber primaryaccountnumber"), NUMBER),
    **dict.fromkeys(_words("cvv cvv2 cvc cvc2 cvn cvn2 cvvcode cvccode cardcvv cardcvc"), CODE),
    **dict.fromkeys(_words("magstripe magneticstripe"), TRACK),
    "pinblock": PIN,
}
_PHRASES: dict[tuple[str, ...], str] = {
    ("primary", "account", "number"): NUMBER,
    ("card", "verification"): CODE,
    ("card", "security", "code"): CODE,
    ("card", "cid"): CODE,
    ("card", "csc"): CODE,
    ("track", "1"): TRACK,
    ("track", "2"): TRACK,
    ("mag", "stripe"): TRACK,
    ("magnetic", "stripe"): TRACK,
    ("pin", "block"): PIN,
}
# What is kept instead of the number, or said about it.
_INSTEAD = _words(
    "token tokens tokenized tokenised fingerprint hash hashed hmac last4 lastfour masked mask truncated "
    "redacted brand bin iin first6 exp expiry expires expiration month year type scheme network issuer "
    "country holder name check checked result status match matched passed verified required provided present "
    "has id length attempts count label placeholder hint help error errors valid validator pattern format"
)
# Cards that pay nothing: "id_card_number" is another promise's business.
_OTHER_CARDS = _words(
    "gift loyalty id identity member membership sim library insurance health business green report score "
    "sd memory access student tax pan bonus key graphics"
)


def card_field(name: str, comment: str | None) -> str | None:
    """Say why a column or field is made to hold a card number, security code or stripe; else ``None``.

    ``name`` may be a dotted path; the reason is one line and holds only what the schema itself says.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    own = [word.lower() for word in _WORD.findall(name.rpartition(".")[2])]
    held = None if _instead(own) else _of_words(words)
    if held:
        return f"its name says that it holds {held}"
    held = _of_comment(comment or "")
    return f"its comment says that it holds {held}" if held else None


def _instead(words: Sequence[str]) -> bool:
    if _INSTEAD.intersection(words):
        return True
    return any(
        word == "last" and (at + 1 == len(words) or words[at + 1] in {"4", "four", "digits"})
        for at, word in enumerate(words)
    )


def _of_words(words: Sequence[str]) -> str | None:
    """Return what a field of these words holds."""
    for at, word in enumerate(words):
        after = words[at + 1] if at + 1 < len(words) else None
        before = words[at - 1] if at else None
        if word in _GLUED:
            return _GLUED[word]
        if word == "cc" and after in _SAYS_NUMBER:
            return NUMBER
        if word == "card" and before not in _OTHER_CARDS and after in _SAYS_NUMBER:
            return NUMBER
        # A card as a whole, but not what belongs to it, such as credit_card_enabled.
        whole = word in {"creditcard", "debitcard", "pan"} or (
            word == "card" and before in {"credit", "debit"}
        )
        if whole and (after is None or after in _SAYS_WHOLE):
            return NUMBER
        if word in {"track1", "track2"} and after in {None, "data"}:
            return TRACK
        for phrase, held in _PHRASES.items():
            if tuple(words[at : at + len(phrase)]) == phrase:
                return held
    return None


_KIND = r"(?:(?:credit|debit|payment|bank)[ -]?)?card"
_NAMES_NUMBER = re.compile(
    rf"\bPANs?\b|(?i:\b{_KIND}[ -]?(?:number|num|no\.|nr\.?)s?\b|\bnumbers? of the {_KIND}\b"
    r"|\bprimary account number|\bfull pan\b)"
)
_NAMES_CODE = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn2?)\b|\bcard (?:verification|security) (?:code|value|number)", re.IGNORECASE
)
_NAMES_TRACK = re.compile(r"\btrack[ -]?[12]\b|\bmagnetic stripe\b|\bmagstripe\b", re.IGNORECASE)
_DENIED_BEFORE = re.compile(
    r"\b(?:no|not|never|neither|nor|without|non|instead of|rather than|excludes?|excluding|except|forbids?|"
    r"rejects?|refuses?|removes?|strips?)\b|n't\b",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"\b(?:not|never)\s+(?:be\s+)?(?:stored|kept|held|recorded|saved|logged|here|present|included)\b|"
    r"\b(?:removed|stripped|redacted|forbidden|refused|rejected)\b",
    re.IGNORECASE,
)
_PARTIAL = re.compile(
    r"\b(?:last|final)[ -]?(?:four|4)\b|\bfirst (?:six|6)\b|\bmasked\b|\btruncated\b|\btoken|\bhash"
    r"|\bfingerprint|\bredacted\b|\bhmac\b",
    re.IGNORECASE,
)
_FULL = re.compile(r"\b(?:full|complete|entire|whole|raw|clear|plain|unmasked)\b", re.IGNORECASE)


def _of_comment(comment: str) -> str | None:
    """Return what a comment says is held, sentence by sentence, heeding *no*, *never*, *last four*."""
    for sentence in re.split(r"[;!?\n]|\.(?:\s|$)", comment):
        for pattern, held in ((_NAMES_NUMBER, NUMBER), (_NAMES_CODE, CODE), (_NAMES_TRACK, TRACK)):
            named = pattern.search(sentence)
            if named is None:
                continue
            before, after = sentence[: named.start()], sentence[named.end() :]
            if _DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after):
                continue
            if _PARTIAL.search(sentence) and not _FULL.search(before + named[0]):
                continue
            return held
    return None
