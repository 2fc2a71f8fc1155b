// Runs before every script of every frame: tells who sets cookies and keys, and which interfaces are
// used to tell browsers apart. Names only; no value of a cookie or key leaves this page from here.
(() => {
  const tell = globalThis.__policyproof;
  if (typeof tell !== "function") return;
  const told = new Map();
  const caller = () => {
    const found = String(new Error().stack).match(/https?:\/\/[^\s)]+/);
    return found ? found[0].replace(/(:\d+){1,2}$/, "").replace(/[?#].*$/, "") : "";
  };
  const note = (what, name, more) => {
    const by = caller();
    const key = `${what} ${name} ${by}`;
    const times = told.get(key) || 0;
    told.set(key, times + 1);
    if (times > 0 || told.size > 500) return;
    try { Promise.resolve(tell({ what, name: String(name).slice(0, 200), by, ...more })).catch(() => {}); } catch {}
  };
  const wrap = (owner, name, before) => {
    const original = owner && owner[name];
    if (typeof original !== "function") return;
    owner[name] = { [name](...given) {
      try { before.call(this, given); } catch {}
      return original.apply(this, given);
    } }[name];
  };
  const build = (name, before) => {
    const original = globalThis[name];
    if (typeof original !== "function") return;
    globalThis[name] = new Proxy(original, { construct(target, given, made) {
      try { before(given); } catch {}
      return Reflect.construct(target, given, made);
    } });
  };

  const jar = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  if (jar && jar.set) {
    Object.defineProperty(Document.prototype, "cookie", { ...jar, set(line) {
      const [pair, ...rest] = String(line).split(";");
      const ages = rest.map((part) => part.trim().toLowerCase()).filter((part) => /^(max-age|expires)=/.test(part));
      note("cookie", pair.includes("=") ? pair.split("=")[0].trim() : "", { age: (ages[0] || "").slice(0, 60) });
      jar.set.call(this, line);
    } });
  }
  if (globalThis.CookieStore) {
    wrap(CookieStore.prototype, "set", ([one]) => note("cookie", typeof one === "object" ? one.name : one, { age: "" }));
  }
  wrap(Storage.prototype, "setItem", function ([key]) {
    let area = "sessionStorage";
    try { if (this === localStorage) area = "localStorage"; } catch {}
    note("key", key, { area });
  });

  // A picture that a script asks for is told by Chromium as if the page itself had asked: so it is noted here.
  let pictures = 0;
  const picture = (value) => {
    try {
      const url = new URL(String(value), document.baseURI);
      if (!/^https?:$/.test(url.protocol) || pictures++ > 300) return;
      const asked = { what: "picture", name: (url.origin + url.pathname).slice(0, 500), by: caller() };
      Promise.resolve(tell(asked)).catch(() => {});
    } catch {}
  };
  const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  if (source && source.set) {
    Object.defineProperty(HTMLImageElement.prototype, "src", { ...source, set(value) {
      picture(value);
      source.set.call(this, value);
    } });
  }
  wrap(Element.prototype, "setAttribute", function ([name, value]) {
    if (this instanceof HTMLImageElement && String(name).toLowerCase() === "src") picture(value);
  });

  // Canvas: text drawn, then read back (Englehardt and Narayanan 2016, section 6.1, describe the criteria).
  const written = new WeakSet();
  const large = (canvas) => canvas && canvas.width >= 16 && canvas.height >= 16;
  const readBack = (canvas) => { if (large(canvas) && written.has(canvas)) note("use", "canvas"); };
  for (const kind of ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"]) {
    const drawing = globalThis[kind] && globalThis[kind].prototype;
    for (const name of ["fillText", "strokeText"]) wrap(drawing, name, function () { written.add(this.canvas); });
    wrap(drawing, "getImageData", function () { readBack(this.canvas); });
  }
  for (const name of ["toDataURL", "toBlob"]) {
    wrap(globalThis.HTMLCanvasElement && HTMLCanvasElement.prototype, name, function () { readBack(this); });
  }
  wrap(globalThis.OffscreenCanvas && OffscreenCanvas.prototype, "convertToBlob", function () { readBack(this); });
  for (const kind of ["WebGLRenderingContext", "WebGL2RenderingContext"]) {
    const gl = globalThis[kind] && globalThis[kind].prototype;
    wrap(gl, "getParameter", ([name]) => { if (name === 0x9245 || name === 0x9246) note("use", "graphics card"); });
  }
  // Chromium tells a page's tools nothing of what a shared worker asks for.
  build("SharedWorker", () => note("shared worker", ""));
  // Sound that nobody hears, computed to see how this machine rounds.
  build("OfflineAudioContext", () => note("use", "audio"));
  build("webkitOfflineAudioContext", () => note("use", "audio"));
  // A connection without a call: its candidates tell local addresses. Where it looks them up is a third party too.
  build("RTCPeerConnection", ([given]) => {
    note("use", "WebRTC");
    for (const server of (given && given.iceServers) || []) {
      for (const url of [server.urls || server.url || []].flat()) note("ice", String(url).slice(0, 200));
    }
  });
  wrap(globalThis.MediaDevices && MediaDevices.prototype, "enumerateDevices", () => note("use", "list of devices"));
})();
