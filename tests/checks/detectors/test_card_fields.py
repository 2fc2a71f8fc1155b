"""Fields that are made for a card number are told by name and comment, and their lookalikes are not."""

from __future__ import annotations

import pytest

from checks.detectors.card_fields import CODE, NUMBER, TRACK, card_field

NUMBERS = """
card_number cardNumber CARD_NUMBER CardNumber card-number cardnumber card_no card_num cc_num cc_number
ccNumber ccnum
creditcard credit_card creditCard creditCardNumber debit_card_number pan PAN card_pan pan_encrypted
pan_number fullPan primary_account_number primaryAccountNumber payment.card.number result.card_number
card_number_encrypted payerCardNumber
"""
CODES = """
cvv cvc cvv2 CVV2 card_cvv cardCvc cvc_code card_verification cardVerificationValue
card_security_code card_cid
"""
TRACKS = "track1 track2 track_1 track2_data track_2_data magstripe mag_stripe magneticStripe"
HOLDS = {NUMBER: NUMBERS.split(), CODE: CODES.split(), TRACK: TRACKS.split()}
OTHERS = """
card_last4 cardLast4 card_last_4 card_last_four last_four last4 card_brand card_token cardToken pan_token
pan_hash pan_last4 pan_fingerprint masked_pan card_number_hash card_number_token card_number_masked
card.number.masked card_exp_month card_holder_name card_type card_bin company span panel expanded expand
japan pancake discard scorecard cardinality card cvs cvc_check cvv_result credit_card_id credit_card_enabled
gift_card_number id_card_number account_number phone_number order_number pan_x pan_zoom cid client_id
track track_id tracking_number trackId postcard_no discarded_number wildcard number canvas_count
"""


@pytest.mark.parametrize(("name", "held"), [(name, held) for held, names in HOLDS.items() for name in names])
def test_names_that_hold_card_data(name: str, held: str) -> None:
    assert card_field(name, None) == f"its name says that it holds {held}"


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_that_do_not(name: str) -> None:
    assert card_field(name, None) is None


@pytest.mark.parametrize(
    "comment",
    [
        "full PAN of the payer",
        "PAN",
        "The credit card number as entered.",
        "Primary account number (encrypted)",
        "CVV2 as typed by the payer",
        "card verification value",
        "raw Track 2 of the reader",
        "Full card number, not encrypted",
        "full PAN and the last four digits",
        "Reference of the payment. Holds the card number if the provider sends it",
    ],
)
def test_comments_that_say_so(comment: str) -> None:
    reason = card_field("reference", comment)
    assert reason is not None
    assert reason.startswith("its comment says")


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "no card number is stored here",
        "Never holds a PAN",
        "The card number is never stored.",
        "last four digits only",
        "last four digits of the card number",
        "provider's token instead of the card number",
        "masked card number",
        "hash of the PAN",
        "does not contain CVV or track 2 data",
        "pan and zoom of the map",
        "company of the payer in Japan",
        "card brand and expiry",
    ],
)
def test_comments_that_do_not(comment: str | None) -> None:
    assert card_field("reference", comment) is None
