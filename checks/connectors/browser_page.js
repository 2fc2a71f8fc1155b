// Read at the end of a visit, in every frame: links, keys and what is kept. Values go to the caller's
// memory alone, to be judged there and forgotten.
async () => {
  const result = { links: [], forms: [], stored: [], elements: 0, password: false };
  for (const form of document.forms) {
    const method = (form.method || "get").toUpperCase();
    const actions = [form.action, ...Array.from(form.querySelectorAll("[formaction]"), (e) => e.formAction)];
    for (const to of actions) if (typeof to === "string" && result.forms.length < 100) result.forms.push([to, method]);
  }
  const most = 500, long = 20000;
  result.elements = document.body ? document.body.childElementCount + document.body.innerText.trim().length : 0;
  result.password = document.querySelector("input[type=password]") !== null;
  for (const link of document.querySelectorAll("a[href], area[href]")) {
    if (result.links.length >= 2000) break;
    if (typeof link.href === "string" && /^https?:/.test(link.href) && !link.hasAttribute("download")) result.links.push(link.href);
  }
  for (const area of ["localStorage", "sessionStorage"]) {
    try {
      const store = globalThis[area];
      for (let n = 0; n < Math.min(store.length, most); n++) {
        const key = store.key(n);
        result.stored.push([area, key, String(store.getItem(key)).slice(0, long)]);
      }
    } catch {}
  }
  const opened = (name) => new Promise((done) => {
    const asked = indexedDB.open(name);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => done(null);
    asked.onupgradeneeded = () => { asked.transaction.abort(); done(null); };
  });
  const read = (base, name) => new Promise((done) => {
    const asked = base.transaction(name, "readonly").objectStore(name).getAll(null, 20);
    asked.onsuccess = () => { try { done(JSON.stringify(asked.result).slice(0, long)); } catch { done(""); } };
    asked.onerror = () => done("");
  });
  try {
    for (const { name } of (await indexedDB.databases()).slice(0, 50)) {
      const base = await opened(name);
      if (!base) { result.stored.push(["IndexedDB", name, ""]); continue; }
      let text = "";
      for (const store of Array.from(base.objectStoreNames).slice(0, 20)) text += (await read(base, store)) + " ";
      base.close();
      result.stored.push(["IndexedDB", name, text]);
    }
  } catch {}
  try { for (const name of (await caches.keys()).slice(0, most)) result.stored.push(["Cache", name, ""]); } catch {}
  try {
    for (const one of await navigator.serviceWorker.getRegistrations()) {
      const script = (one.active || one.waiting || one.installing || {}).scriptURL || one.scope;
      result.stored.push(["service worker", new URL(script).pathname, ""]);
    }
  } catch {}
  return result;
}
