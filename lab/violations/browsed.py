"""Violations that only a browser sees: scripts, storage, consent. Hosts end in ``.test`` and never answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.planting import Overlay, plant

if TYPE_CHECKING:
    from lab.running import Lab

_REMEMBERED: Overlay = {"endpoints": {"site": {"essential_cookies": ["choice"]}}}
_ASK = """
<div role="dialog" id="consent" style="position:fixed;bottom:0;background:#fff;padding:1em">
<p>May this site use cookies to see how it is used?</p>
<button id="yes">Accept</button>
{refuse}
</div>
<script>
const answer = (given, more) => {{
  document.cookie = `choice=${{given}}; max-age={keep}`;
  more();
  consent.remove();
}};
if (document.cookie.includes("choice=")) consent.remove();
yes.onclick = () => answer("yes", () => {{ document.cookie = "visits=1; max-age=31536000"; }});
{script}
</script>
"""
_REFUSE = '<button id="no">Refuse</button>'


def _script(lab: Lab, text: str, path: str = "/") -> None:
    lab.site.edit(path, "</body>", f"<script>{text}</script>\n</body>")


def _dialog(lab: Lab, refuse: str, script: str, keep: int = 31_536_000) -> None:
    lab.site.edit("/", "</body>", _ASK.format(refuse=refuse, script=script, keep=keep) + "</body>")


@plant("the landing page sets a tracking cookie unasked", "BRW-01", "BRW-06", "BRW-08")
def tracking_cookie(lab: Lab) -> None:
    """Give every visitor a number for two years."""
    _script(lab, 'document.cookie = "visitor=8a41c2b7d09e4f63; max-age=63072000; SameSite=Lax";')


@plant("the landing page loads a font from a third party", "BRW-02")
def third_party_font(lab: Lab) -> None:
    """Load a font from somebody who then knows every visitor's address."""
    face = '@font-face {font-family: Lab; src: url("https://fonts.lab-cdn.test/lab.woff2")}'
    lab.site.edit("/", "</head>", f"<style>{face} body {{font-family: Lab}}</style>\n</head>")


@plant("the landing page keeps a visitor's number in local storage", "BRW-04", "BRW-05", "BRW-06", "BRW-08")
def local_storage_number(lab: Lab) -> None:
    """Keep an identifier where cookies are not looked for."""
    _script(lab, 'localStorage.setItem("visitor", crypto.randomUUID());')


@plant("the sign-up page keeps a key that is not declared", "BRW-04", "BRW-06")
def undeclared_key(lab: Lab) -> None:
    """Remember something the policy does not speak of."""
    _script(lab, 'sessionStorage.setItem("campaign", "autumn");', "/signup")


@plant("an e-mail address lies in the key of a preference", "BRW-05")
def address_in_preference(lab: Lab) -> None:
    """Hide an address in a key that is declared."""
    _script(
        lab, 'localStorage.setItem("theme", JSON.stringify({for: "ada@lab.example.com", theme: "dark"}));'
    )


@plant("a consent dialog offers no way to refuse", "BRW-06", "BRW-07")
def consent_without_refusal(lab: Lab) -> Overlay:
    """Ask, and take no for no answer."""
    _dialog(lab, "", "")
    return _REMEMBERED


@plant("a cookie is set although it was refused", "BRW-07")
def refused_and_set(lab: Lab) -> Overlay:
    """Ask, and set the cookie either way."""
    _dialog(lab, _REFUSE, 'no.onclick = () => answer("no", () => { document.cookie = "visits=1"; });')
    return _REMEMBERED


@plant("a consent dialog comes back after it was answered", "BRW-07")
def choice_forgotten(lab: Lab) -> Overlay:
    """Ask again and again, until somebody accepts."""
    _dialog(lab, _REFUSE, 'no.onclick = () => answer("no", () => {});', keep=0)
    return _REMEMBERED


@plant("Global Privacy Control is passed on instead of honoured", "BRW-02", "BRW-08")
def privacy_signal_passed_on(lab: Lab) -> None:
    """Tell a partner who does not want to be followed."""
    _script(
        lab, 'if (navigator.globalPrivacyControl) new Image().src = "https://match.lab-partner.test/objects";'
    )


@plant("a script takes a fingerprint by canvas", "BRW-09")
def canvas_fingerprint(lab: Lab) -> None:
    """Draw text and read back how this machine drew it."""
    _script(
        lab,
        "const drawn = document.createElement('canvas').getContext('2d');"
        "drawn.fillText('Sphinx of black quartz, judge my vow', 2, 15); drawn.canvas.toDataURL();",
    )


@plant("leaving the landing page sends a beacon to a third party", "BRW-02", "BRW-03", "BRW-08")
def third_party_beacon(lab: Lab) -> None:
    """Report how long a visitor stayed."""
    _script(
        lab,
        "addEventListener('pagehide', () => navigator.sendBeacon('https://stay.lab-metrics.test/', 'left'));",
    )


@plant("the landing page counts its visitors by a path that a filter list names", "BRW-03", "BRW-08")
def own_host_tracker(lab: Lab) -> Overlay:
    """Have a tracker answer under the site's own name, where only a list of its paths finds it."""
    lists = lab.root / "filter-list.txt"
    lists.write_text("[Adblock Plus 2.0]\n/lab-count?visitor=\n", "utf-8")
    _script(lab, "fetch('/lab-count?visitor=' + screen.width);")
    return {"endpoints": {"site": {"filter_lists": [str(lists)]}}}


@plant("the sign-up form sends to a third party", "BRW-02")
def form_elsewhere(lab: Lab) -> None:
    """Have somebody else receive what is typed in."""
    lab.site.edit("/signup", 'action="/signup"', 'action="https://forms.lab-forms.test/signup"')
