// Finds a consent dialog and marks its two answers, so that they can be clicked like a person would.
([dialog, accept, refuse]) => {
  const about = /cookie|consent|track|privacy choice|personal data|einwillig|zustimm|datenschutz|traceur|consenti|galletas|toestemming/i;
  const yes = /^(?!.*\b(necessary|essential|required|notwendige?n?|erforderliche?n?|nécessaires|without|sans|don.t|not|no)\b).*\b(accept|agree|allow|ok(ay)?|got it|i understand|yes|enable all|akzeptieren|zustimmen|einverstanden|annehmen|erlauben|accepter|j.accepte|aceptar|acepto|accetta|accetto|akkoord|accepteren|zgadzam|akceptuj\w*)\b/i;
  const no = /\b(reject|refuse|decline|deny|disagree|opt.?out|no,? thanks|(only|strictly) (necessary|essential|required)|(necessary|essential|required)( cookies)? only|use (necessary|essential)|without accepting|do not (accept|consent|sell|allow)|don.t (accept|allow|consent)|ablehnen|ablehne|verweigern|nur (notwendige|erforderliche|essenzielle)|refuser|je refuse|sans accepter|rechazar|rifiuta|solo (i )?necessari|weiger\w*|odrzu\w*)\b|^no$/i;
  const seen = (element) => {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none" && Number(style.opacity) > 0.1;
  };
  const every = (root, selector) => {
    const found = [...root.querySelectorAll(selector)];
    for (const host of root.querySelectorAll("*")) if (host.shadowRoot) found.push(...every(host.shadowRoot, selector));
    return found;
  };
  const said = (element) => (element.innerText || element.value || element.getAttribute("aria-label") || element.title || "").replace(/\s+/g, " ").trim();
  const buttons = (root) => every(root, "button, [role=button], input[type=button], input[type=submit], a").filter(seen);
  const one = (element, answer) => {
    if (!element) return null;
    element.setAttribute("data-policyproof", answer);
    const box = element.getBoundingClientRect();
    return { text: said(element).slice(0, 60), area: box.width * box.height };
  };
  for (const old of every(document, "[data-policyproof]")) old.removeAttribute("data-policyproof");
  let found;
  if (dialog) found = every(document, dialog).find(seen);
  else {
    const named = "dialog[open], [role=dialog], [role=alertdialog], [aria-modal=true], [id*=cookie i], [class*=cookie i], [id*=consent i], [class*=consent i], [id*=gdpr i], [class*=gdpr i], [id*=cmp i], [id*=onetrust i], [id*=didomi i]";
    const floats = every(document, "div, section, aside, form, footer, p").filter((e) => ["fixed", "sticky"].includes(getComputedStyle(e).position));
    found = [...every(document, named), ...floats].find((e) =>
      e !== document.body && seen(e) && about.test(e.innerText || e.textContent || "") &&
      buttons(e.shadowRoot || e).some((b) => yes.test(said(b)) || no.test(said(b))));
  }
  if (!found) return null;
  const within = buttons(found.shadowRoot || found);
  const pick = (selector, test) => selector ? every(document, selector).find(seen) : within.find(test);
  const refused = pick(refuse, (b) => no.test(said(b)));
  const accepted = pick(accept, (b) => b !== refused && yes.test(said(b)) && !no.test(said(b)));
  return { accept: one(accepted, "accept"), refuse: one(refused, "refuse") };
}
