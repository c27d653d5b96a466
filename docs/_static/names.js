// Names in code answer: what a variable held when the code ran, by pointer, by tap and by key.
(function () {
  "use strict";

  const help = document.querySelector(".names-help");
  if (!help) return;
  const words = help.dataset;
  const SOON = 200, LATER = 250; // milliseconds until it shows, and until it goes
  const make = (tag, className, parent = document.body) => {
    const made = Object.assign(document.createElement(tag), { className });
    parent.append(made);
    return made;
  };
  const box = make("div", "held-box");
  box.hidden = box.ariaHidden = true; // what is read aloud is said below
  const said = make("div", "held-said");
  said.role = "status";

  const answers = new Map(); // span -> [facts, value, note]
  const read = (block) => {
    if (block.held) return block.held;
    const [order, ...texts] = block.dataset.held.split("\n");
    const spans = block.querySelectorAll(words.names);
    block.held = [];
    order.split(",").forEach((number, place) => {
      if (!number) return;
      const [facts, value = ""] = texts[parseInt(number)].split("\t");
      answers.set(spans[place], [facts, value, number.endsWith("+") ? words.after : ""]);
      spans[place].classList.add("held");
      block.held.push(spans[place]);
    });
    return block.held;
  };
  const nameAt = (target) => {
    const block = target.closest?.("[data-held]");
    if (block) read(block);
    return block && target.closest(".held");
  };

  let shown = null, way = "", timer = 0; // way: "hover", "tap" or "key"

  function place() {
    const name = shown.getBoundingClientRect(), edge = 8, gap = 6;
    const width = document.documentElement.clientWidth, { offsetWidth, offsetHeight } = box;
    const below = name.bottom + gap + offsetHeight <= innerHeight - edge || name.top < offsetHeight + gap + edge;
    box.style.left = `${Math.max(edge, Math.min(name.left, width - offsetWidth - edge))}px`;
    box.style.top = `${below ? name.bottom + gap : name.top - gap - offsetHeight}px`;
  }

  function show(name, how) {
    hide();
    [shown, way] = [name, how];
    const parts = answers.get(name);
    name.classList.add("held-now");
    box.replaceChildren();
    make("strong", "", box).textContent = name.textContent;
    ["held-facts", "held-value", "held-note"].forEach((kind, n) => {
      if (!parts[n]) return;
      box.append(" "); // for whoever copies it
      make("span", kind, box).textContent = parts[n];
    });
    box.hidden = false;
    if (how === "key") name.scrollIntoView({ block: "nearest", inline: "nearest" });
    place();
    if (how !== "hover") said.textContent = `${name.textContent}: ${parts.filter(Boolean).join(", ")}`;
  }

  function hide() {
    clearTimeout(timer);
    shown?.classList.remove("held-now");
    shown = null;
    box.hidden = true;
    said.textContent = "";
  }

  // --- by pointer: it stays while the pointer is on the name or on what is said of it ----------

  let pointer = "mouse";
  document.addEventListener("pointerdown", (event) => (pointer = event.pointerType), true);
  document.addEventListener("pointerover", (event) => {
    // While keys move along the names, text may scroll below a pointer that rests.
    if (event.pointerType !== "mouse" || event.buttons || (shown && way === "key")) return;
    const name = nameAt(event.target);
    if (name && name !== shown) {
      hide();
      timer = setTimeout(show, SOON, name, "hover");
    } else if (shown && way === "hover" && !name && !box.contains(event.target)) {
      clearTimeout(timer);
      timer = setTimeout(hide, LATER);
    } else clearTimeout(timer);
  });

  // --- by tap: the same name again, or anything else, closes it --------------------------------

  document.addEventListener("click", (event) => {
    if (pointer === "mouse" || box.contains(event.target)) return;
    const name = nameAt(event.target), again = name === shown;
    if (shown && way !== "key") hide();
    if (name && !again) show(name, "tap");
  });

  document.addEventListener("keydown", (event) => event.key === "Escape" && shown && hide());
  addEventListener("resize", hide);
  addEventListener("scroll", ({ target }) => {
    if (!shown || box.contains(target)) return;
    if (way === "key") place(); // which has scrolled to the name
    else hide();
  }, { capture: true, passive: true });

  // --- by key: one stop a block, from which the arrow keys go from name to name ----------------

  const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 };

  for (const block of document.querySelectorAll("[data-held]")) {
    const button = make("button", "values", block.firstElementChild);
    button.type = "button";
    button.textContent = words.values;
    button.setAttribute("aria-description", words.keys);
    const go = (step, otherLine = false) => {
      const names = read(block), top = (n) => Math.round(names[n].getBoundingClientRect().top);
      const here = way === "key" ? names.indexOf(shown) : -1;
      let next = here < 0 && step < 0 ? names.length - 1 : here + step;
      while (otherLine && here >= 0 && names[next] && top(next) === top(here)) next += step;
      show(names[(next + names.length) % names.length], "key");
    };
    button.addEventListener("click", () => go(1)); // Enter, or a screen reader's own command
    button.addEventListener("keydown", (event) => {
      if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(STEPS[event.key], /Up|Down/.test(event.key));
    });
    button.addEventListener("blur", () => way === "key" && hide());
  }
})();
