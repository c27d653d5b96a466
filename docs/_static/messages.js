// The field on the page of error messages: it asks the messages of all chapters.
(function () {
  "use strict";

  const box = document.querySelector(".all-messages");
  const words = box.dataset, SHOWN = 50;
  const field = box.querySelector("input");
  const status = Object.assign(document.createElement("p"), { className: "filter-status", role: "status" });
  const table = Object.assign(document.createElement("table"), { className: "glance messages", hidden: true });
  const labels = [words.message, words.cause, words.card];
  const head = table.createTHead().insertRow();
  for (const label of labels) head.append(Object.assign(document.createElement("th"), { scope: "col", textContent: label }));
  const body = table.createTBody();
  box.append(status, table);

  let rows = null;
  window.proofsheetMessages = (found) => {
    rows = found.map((row) => [row, row.slice(0, 3).join(" ").toLowerCase()]);
    show();
  };
  const load = () => {
    if (rows) return;
    rows = [];
    // A script, not JSON, since pages opened as files cannot fetch.
    document.head.append(Object.assign(document.createElement("script"), { src: document.documentElement.dataset.content_root + words.file }));
  };

  const code = (text) => Object.assign(document.createElement("code"), { className: "notranslate", textContent: text });
  // Double backticks make code, as in the sources.
  const inline = (text) => text.split("``").map((part, n) => (n % 2 ? code(part) : part));

  function show() {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = wanted.length ? rows.filter(([, text]) => wanted.every((word) => text.includes(word))) : [];
    table.hidden = !found.length;
    const text = !found.length ? words.none : found.length > SHOWN ? words.more : words.some;
    status.textContent = wanted.length && rows.length ? text.replace("{count}", found.length).replace("{shown}", SHOWN) : "";
    body.replaceChildren(
      ...found.slice(0, SHOWN).map(([[message, cause, card, url]]) => {
        const row = document.createElement("tr");
        const link = Object.assign(document.createElement("a"), { href: document.documentElement.dataset.content_root + url, textContent: card });
        const cells = [[code(message)], inline(cause), [link]];
        for (const [n, cell] of cells.entries()) {
          row.insertCell().append(...cell);
          row.cells[n].dataset.label = labels[n];
        }
        return row;
      }),
    );
  }

  field.addEventListener("focus", load);
  field.addEventListener("input", () => (load(), show()));
})();
