// Read at the end of a visit, in every frame: links, keys and what is kept. Values go to the caller's
// memory alone, to be judged there and forgotten.
async () => {
  // `more`: there is more of something than is told. `stored`: area, key, value, whether that is all of it.
  const result = { links: [], forms: [], stored: [], elements: 0, more: false };
  const most = 500, long = 100000, named = 2000;
  const every = (root, selector) => {
    const found = [...root.querySelectorAll(selector)];
    for (const host of root.querySelectorAll("*")) if (host.shadowRoot) found.push(...every(host.shadowRoot, selector));
    return found;
  };
  const sent = new Set();
  for (const form of every(document, "form")) {
    const method = String(form.getAttribute("method") || "get").toUpperCase().slice(0, 10);
    // A field called "action" hides the form's own; the attribute is what counts.
    const actions = [form.getAttribute("action") || "", ...Array.from(form.querySelectorAll("[formaction]"), (e) => e.getAttribute("formaction"))];
    for (const to of actions) try { sent.add(JSON.stringify([new URL(to, document.baseURI).href.slice(0, 5000), method])); } catch {}
  }
  if (sent.size > most) result.more = true;
  result.forms = Array.from(sent).slice(0, most).map((one) => JSON.parse(one));
  const keep = (area, key, text, whole = true) => {
    if (result.stored.length >= most * 4) { result.more = true; return; }
    const value = String(text);
    result.stored.push([area, String(key).slice(0, named), value.slice(0, long), whole && value.length <= long]);
  };
  result.elements = document.body ? document.body.childElementCount + document.body.innerText.trim().length : 0;
  const links = new Set();
  for (const link of every(document, "a[href], area[href]")) {
    if (links.size >= 2000) break;
    if (typeof link.href === "string" && /^https?:/.test(link.href) && !link.hasAttribute("download")) links.add(link.href.slice(0, 5000));
  }
  result.links = Array.from(links);
  for (const area of ["localStorage", "sessionStorage"]) {
    try {
      const store = globalThis[area];
      if (store.length > most) result.more = true;
      for (let n = 0; n < Math.min(store.length, most); n++) {
        const key = store.key(n);
        keep(area, key, store.getItem(key));
      }
    } catch {}
  }
  const opened = (name) => new Promise((done) => {
    const asked = indexedDB.open(name);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => done(null);
    asked.onupgradeneeded = () => { asked.transaction.abort(); done(null); };
  });
  // What lies in a base as text, and whether that is all: bytes are read as text, what cannot be read says so.
  const rows = 100;
  const read = (base, name) => new Promise((done) => {
    const store = base.transaction(name, "readonly").objectStore(name);
    const texts = [];
    let whole = true, left = 2;
    const plain = (_, one) => {
      if (one instanceof ArrayBuffer || ArrayBuffer.isView(one)) return new TextDecoder().decode(one);
      if (one instanceof Map || one instanceof Set) return [...one];
      if (one instanceof Blob) whole = false;
      return typeof one === "bigint" ? String(one) : one;
    };
    for (const asked of [store.getAll(null, rows + 1), store.getAllKeys(null, rows + 1)]) {
      asked.onsuccess = () => {
        if (asked.result.length > rows) whole = false;
        try { texts.push(JSON.stringify(asked.result, plain)); } catch { whole = false; }
        if (--left === 0) done([texts.join(" "), whole]);
      };
      asked.onerror = () => done(["", false]);
    }
  });
  try {
    const bases = await indexedDB.databases();
    if (bases.length > 50) result.more = true;
    for (const { name } of bases.slice(0, 50)) {
      const base = await opened(name);
      if (!base) { keep("IndexedDB", name, "", false); continue; }
      const stores = Array.from(base.objectStoreNames);
      let text = "", whole = stores.length <= 20;
      for (const store of stores.slice(0, 20)) {
        const [more, all] = await read(base, store);
        text += more + " ";
        whole = whole && all;
      }
      base.close();
      keep("IndexedDB", name, text, whole);
    }
  } catch {}
  try {
    for (const name of await caches.keys()) {
      const asked = await (await caches.open(name)).keys();
      keep("Cache", name, asked.slice(0, most).map((one) => one.url).join(" "), asked.length <= most);
    }
  } catch {}
  try {
    for (const one of await navigator.serviceWorker.getRegistrations()) {
      const script = (one.active || one.waiting || one.installing || {}).scriptURL || one.scope;
      keep("service worker", new URL(script).pathname, "");
    }
  } catch {}
  return result;
}
