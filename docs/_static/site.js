// What every page needs beside Furo's script: copy buttons, the language switch, the way to search.
(function () {
  "use strict";

  // --- language ------------------------------------------------------------------------------

  const remember = (language) => {
    try {
      localStorage.setItem("proofsheet-language", language);
    } catch (error) {
      /* private mode: the switch works, it is only not remembered */
    }
  };
  for (const link of document.querySelectorAll(".language-switch"))
    link.addEventListener("click", () => {
      remember(link.dataset.language);
      link.search = location.search; // a query on the search page
      link.hash = location.hash; // sections have the same names in both languages
    });

  // --- search --------------------------------------------------------------------------------

  const dialog = document.getElementById("search-dialog");
  const input = dialog.querySelector("input");
  let loading = false;

  const load = () => {
    if (loading) return;
    loading = true;
    document.head.append(Object.assign(document.createElement("script"), { src: dialog.dataset.script }));
  };

  function open(query = "") {
    load();
    if (dialog.open) return;
    dialog.showModal();
    input.value = query;
    input.focus();
    input.setSelectionRange(query.length, query.length);
    window.proofsheetSearch?.show();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const shortcut = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
    if (shortcut || (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey)) {
      event.preventDefault();
      open();
    }
  });
  for (const button of document.querySelectorAll(".search-open")) {
    button.addEventListener("pointerenter", load);
    button.addEventListener("click", () => open());
  }
  // Focus alone opens nothing (a reader may be passing by with Tab); a click or a letter does.
  for (const start of document.querySelectorAll(".search-start input")) {
    const leap = () => {
      const query = start.value;
      start.value = "";
      open(query);
    };
    start.addEventListener("focus", load);
    start.addEventListener("click", leap);
    start.addEventListener("input", (event) => event.isComposing || leap());
    start.addEventListener("compositionend", leap);
  }
  dialog.querySelector(".search-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.querySelector("form").addEventListener("submit", (event) => {
    if (!input.value.trim()) event.preventDefault();
  });
  if (/Mac|iPhone|iPad/.test(navigator.platform))
    for (const key of document.querySelectorAll(".search-start kbd")) key.textContent = "⌘ K";

  // The search page's own box shows what was asked.
  const page = document.querySelector(".search-page input");
  if (page) page.value = new URLSearchParams(location.search).get("q") || "";

  // --- what scrolls can be reached by key --------------------------------------------------

  const scrolls = new ResizeObserver((entries) => {
    for (const { target } of entries)
      if (target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
  });
  for (const box of document.querySelectorAll("article pre, .math-wrapper, .table-wrapper")) scrolls.observe(box);

  // --- figures: on a phone their letters are small, the file shows them in full size ----------

  for (const image of document.querySelectorAll("img.plot")) {
    const link = Object.assign(document.createElement("a"), { href: image.src });
    image.replaceWith(link);
    link.append(image);
  }

  // --- filters: a field above what can be many, which keeps what has all the words ------------

  for (const box of document.querySelectorAll("[data-filtered]")) {
    const field = box.querySelector("input.filter");
    const items = [...box.querySelectorAll(box.dataset.filtered)].map((item) => [item, item.textContent.toLowerCase()]);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase().split(/\s+/);
      for (const [item, text] of items) item.hidden = !wanted.every((word) => text.includes(word));
      for (const group of box.querySelectorAll("section, table")) group.hidden = !group.querySelector(`${box.dataset.filtered}:not([hidden])`);
    });
  }

  // --- copying -------------------------------------------------------------------------------

  // A card's block holds the page's imports too, hidden, so that what is copied runs anywhere.
  const words = dialog.dataset;
  for (const pre of document.querySelectorAll("div.highlight > pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.addEventListener("click", async () => {
      await copy(pre.textContent);
      done(button);
    });
    pre.parentElement.append(button);
  }

  for (const line of document.querySelectorAll(".sheet-line")) {
    const text = line.textContent.trimEnd();
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy-line", title: words.copy });
    button.tabIndex = -1; // by key a reader copies the box
    button.addEventListener("click", () => copy(text).then(() => done()));
    line.append(button);
  }

  // --- the row below a card: its address, its text as Markdown -------------------------------

  const address = (card) => {
    const here = location.protocol === "file:" ? document.querySelector("link[rel=canonical]").href : location.href;
    return `${here.replace(/[?#].*/, "")}#${card.id}`;
  };
  for (const link of document.querySelectorAll(".copy-link"))
    link.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      await copy(address(link.closest("section")));
      done(link);
    });
  // A page's Markdown lies beside it, and a card ends there with its address. It is fetched before
  // the click, since some browsers copy only right after that; a page opened as a file cannot fetch.
  let whole;
  const source = () =>
    (whole ??= fetch(document.querySelector('link[type="text/markdown"]').href).then((file) => file.text()));
  async function markdown(card) {
    const text = await source();
    const end = text.indexOf(`<${document.querySelector("link[rel=canonical]").href}#${card.id}>`);
    const imports = card.querySelector(".imports")?.textContent ?? "";
    const part = text.slice(text.lastIndexOf("\n## ", end) + 1, end);
    return `${part.replace("```python\n", (fence) => fence + imports)}${address(card)}\n`;
  }
  for (const button of document.querySelectorAll(".copy-markdown")) {
    button.hidden = location.protocol === "file:";
    button.addEventListener("pointerenter", source);
    button.addEventListener("focus", source);
    button.addEventListener("click", async () => {
      await copy(await markdown(button.closest("section")));
      done(button);
    });
  }

  // j and k lead to the next card and the one before. (location.replace leaves no trail of steps.)
  let heading = null; // the card that the page is scrolling to
  addEventListener("scrollend", () => (heading = null));
  document.addEventListener("keydown", (event) => {
    const step = { j: 1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.target.closest("input, textarea, select")) return;
    const cards = [...document.querySelectorAll("section.card")];
    const top = (card) => card.getBoundingClientRect().top;
    const near = step > 0 ? cards.findIndex((card) => top(card) > 60) : cards.findLastIndex((card) => top(card) < 10);
    const target = cards[heading ? cards.indexOf(heading) + step : near];
    if (!target) return;
    heading = target;
    location.replace(`#${target.id}`);
  });

  // --- saying that something was copied, to eyes and to a screen reader ------------------------

  const said = Object.assign(document.createElement("div"), { className: "visually-hidden", role: "status" });
  document.body.append(said);

  function done(button) {
    said.textContent = words.copied;
    setTimeout(() => (said.textContent = ""), 1600);
    if (!button || button.dataset.before) return;
    button.dataset.before = button.textContent;
    button.style.minWidth = `${button.offsetWidth}px`; // nothing beside it moves
    button.textContent = words.copied;
    setTimeout(() => {
      button.textContent = button.dataset.before;
      delete button.dataset.before;
    }, 1600);
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      // an address without TLS or a browser that asks: the old way still works
      const area = Object.assign(document.createElement("textarea"), { value: text });
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
})();
