() => {
  const parts = [document.documentElement.outerHTML];
  const within = (root) => {
    for (const element of root.querySelectorAll("*"))
      if (element.shadowRoot) {
        parts.push(`<div>${element.shadowRoot.innerHTML}</div>`);
        within(element.shadowRoot);
      }
  };
  within(document);
  const all = parts.join("\n");
  return all.length > 20971520 ? null : all;
}
