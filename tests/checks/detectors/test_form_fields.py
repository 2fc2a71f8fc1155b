"""What a sign-up asks for, and which of it a child's profile would need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.form_fields import asked

USUAL = """
<form><label>Name <input name=name></label><label for=e>E-mail</label><input id=e type=email>
<input name=password type=password><input type=hidden name=csrf value=s3cret>
<label><input type=checkbox name=over18> I am over 18 years of age</label>
<label>Country <select name=country><option>Age of Empires<option>School</select></label>
<input name=page><input name=message><input name=parent_project_id placeholder="Parent project">
<input name=usage>
<label>What kind of backend? <input name=kind></label>
<button name=age>Go</button><input type=submit value=Age>
</form>"""


def test_a_usual_form_asks_nothing_of_a_child() -> None:
    form = asked(USUAL)
    assert [field.shown for field in form.fields if field.of_a_child()] == []
    assert len(form.fields) == 11
    assert "s3cret" not in repr(form)


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<input name=birthDate>", "a date of birth"),
        ("<input name=dob>", "a date of birth"),
        ("<input name=f1 autocomplete='section-a bday'>", "a date of birth"),
        ("<label>Date of birth <input name=f1></label>", "a date of birth"),
        ("<label for=x>Your birthday</label><input id=x>", "a date of birth"),
        ("<input id=x><label for=x>Geburtsdatum</label>", "a date of birth"),
        (
            "<fieldset><legend>When were you born?</legend><select name=year></select></fieldset>",
            "a date of birth",
        ),
        ("<input type=number name=age>", "an age"),
        ("<input placeholder='How old are you?'>", "an age"),
        ("<input type=hidden name=user_age>", "an age"),
        ("<select name=gender></select>", "a gender"),
        ("<input type=radio name=sex value=f>", "a gender"),
        ("<input name=schoolName>", "a school"),
        ("<input aria-label='Grade'>", "a school"),
        ("<input name=guardian_email>", "a parent or guardian"),
        ("<input name=parentPhone>", "a parent or guardian"),
        ("<textarea name=children></textarea>", "a child"),
    ],
)
def test_what_a_childs_profile_would_need(html: str, what: str) -> None:
    assert [field.of_a_child() for field in asked(html).fields] == [what]


def test_what_stands_in_frames_is_counted_and_not_seen() -> None:
    assert asked("<iframe src=https://forms.test/></iframe>").framed == 1
    assert asked("<template><input name=dob></template><script>'<input name=dob>'</script>").fields == ()


@given(st.text(alphabet="<>/ inputlabe=\"'![]-", max_size=80))
def test_anything_can_be_read(html: str) -> None:
    asked(html)
