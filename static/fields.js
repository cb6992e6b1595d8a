// Fields whose native kind speaks the browser's language, in the page's. Without scripts a day is typed as text, and a file is
// chosen by the browser's own button.
//   input[data-day], input[data-minute]   a day, or a day and a time, typed or picked from #day-picker
//   input[type=file]                      unless hidden, chosen in a box of #file-box, which names what was chosen
//   what a field wants (required, a mail address) stands below it, not in the browser's bubble
(() => {
  const words = document.body.dataset;
  const language = document.documentElement.lang;
  const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const two = (number) => String(number).padStart(2, "0");
  const iso = (day) => `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;

  // --- days ---
  // 2026/1/5, 2026年1月5日, 20260105 and 2026-01-05T09:30 are what people type and forms carry; null: none of them.
  const read = (text) => {
    const parts = /^\s*(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T\s]*(\d{1,2})[:：]?(\d{2})(?:[:：]?(\d{2}))?)?\s*$/.exec(text);
    if (!parts) return null;
    const [year, month, date, hour = 0, minute = 0, second = 0] = parts.slice(1).map((part) => part && Number(part));
    const day = new Date(year, month - 1, date);
    const stands = day.getMonth() === month - 1 && day.getDate() === date;
    if (!stands || hour > 23 || minute > 59 || second > 59) return null;
    return { day, time: parts[4] && `${two(hour)}:${two(minute)}${parts[6] ? `:${two(second)}` : ""}` };
  };
  const write = (field, found) => {
    field.value = iso(found.day) + ("minute" in field.dataset ? ` ${found.time || "00:00"}` : "");
  };
  const tidy = (field) => {
    const found = read(field.value);
    if (found) write(field, found);
    field.setCustomValidity(field.value.trim() && !found ? words.notADay : "");
  };

  let open = null;
  const shut = (back) => {
    if (!open) return;
    open.box.remove();
    open.button.setAttribute("aria-expanded", "false");
    if (back) open.button.focus();
    open = null;
  };
  const draw = (shown) => {
    const { box, field } = open;
    const chosen = read(field.value);
    const first = new Date(shown.getFullYear(), shown.getMonth(), 1);
    const title = new Intl.DateTimeFormat(language, { year: "numeric", month: "long" }).format(first);
    box.querySelector("[data-month]").textContent = title;
    // Weeks begin on Monday; 5 January 1970 was one.
    const named = (offset) => new Intl.DateTimeFormat(language, { weekday: "narrow" }).format(new Date(1970, 0, 5 + offset));
    box.querySelector("[data-weekdays]").replaceChildren(
      ...[0, 1, 2, 3, 4, 5, 6].map((offset) => Object.assign(document.createElement("span"), { textContent: named(offset) })),
    );
    const days = box.querySelector("[data-days]");
    days.replaceChildren();
    for (let blank = (first.getDay() + 6) % 7; blank > 0; blank -= 1) days.append(document.createElement("span"));
    for (let day = first; day.getMonth() === first.getMonth(); day = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = day.getDate();
      button.dataset.pick = iso(day);
      button.tabIndex = iso(day) === iso(shown) ? 0 : -1;
      button.setAttribute("aria-label", new Intl.DateTimeFormat(language, { dateStyle: "full" }).format(day));
      if (chosen && iso(chosen.day) === iso(day)) button.setAttribute("aria-pressed", "true");
      if (iso(new Date()) === iso(day)) button.setAttribute("aria-current", "date");
      days.append(button);
    }
    open.shown = shown;
  };
  const go = (shown, focus) => {
    draw(shown);
    if (focus) open.box.querySelector(`[data-pick="${iso(shown)}"]`).focus();
  };
  const later = (day, days, months = 0) => {
    const month = new Date(day.getFullYear(), day.getMonth() + months, 1);
    const last = new Date(month.getFullYear(), month.getMonth() + 1, 0).getDate();
    return new Date(month.getFullYear(), month.getMonth(), Math.min(day.getDate(), months ? last : 99) + days);
  };
  const pick = (field, button) => {
    const same = open && open.button === button;
    shut(same);
    if (same) return;
    const box = copy("day-picker");
    button.after(box);
    button.setAttribute("aria-expanded", "true");
    open = { field, button, box };
    go((read(field.value) || { day: new Date() }).day, true);
    // Where there is no room to the right, it hangs from its other side.
    box.classList.toggle("end", box.getBoundingClientRect().right > innerWidth - 8);
    box.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("click", (event) => {
    if (!open || !event.target.closest) return;
    const day = event.target.closest("[data-pick]");
    const turn = event.target.closest("[data-turn]");
    if (day) {
      const { field } = open;
      const before = read(field.value);
      write(field, { day: read(day.dataset.pick).day, time: before && before.time });
      shut(true);
      for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    } else if (turn) go(later(open.shown, 0, Number(turn.dataset.turn)), false);
    else if (!open.box.contains(event.target) && !open.button.contains(event.target)) shut(false);
  });
  const STEPS = { ArrowLeft: [-1], ArrowRight: [1], ArrowUp: [-7], ArrowDown: [7], PageUp: [0, -1], PageDown: [0, 1] };
  document.addEventListener(
    "keydown",
    (event) => {
      if (!open || !open.box.contains(event.target)) return;
      if (event.key === "Escape") shut(true);
      else if (STEPS[event.key] && event.target.dataset.pick) go(later(open.shown, ...STEPS[event.key]), true);
      else return;
      // A dialog around it stays open, and the page does not scroll or move on to the next refund.
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  const dressDay = (field) => {
    if (field.value) tidy(field);
    const button = copy("day-button");
    const label = field.getAttribute("aria-label") || (field.labels[0] ? field.labels[0].textContent.trim() : "");
    button.setAttribute("aria-label", `${button.getAttribute("aria-label")}: ${label}`);
    const frame = document.createElement("span");
    frame.className = "day-field";
    field.before(frame);
    frame.append(field, button);
    button.addEventListener("click", () => pick(field, button));
    field.addEventListener("change", () => tidy(field));
  };

  // --- files ---
  const dressFile = (field) => {
    const box = copy("file-box");
    const names = box.querySelector("[data-names]");
    const choose = box.querySelector("[data-choose]");
    if (field.multiple) choose.textContent = words.chooseFiles;
    if (field.hasAttribute("capture")) choose.textContent = words.openCamera;
    const tell = () => {
      names.textContent = [...field.files].map((file) => file.name).join(", ") || words.noFile;
    };
    field.before(box);
    box.prepend(field);
    field.addEventListener("change", tell);
    if (field.form) field.form.addEventListener("reset", () => setTimeout(tell));
    tell();
  };

  const dress = () => {
    for (const [selector, how] of [["input[data-day], input[data-minute]", dressDay], ["input[type=file]:not([hidden])", dressFile]]) {
      document.querySelectorAll(selector).forEach((field) => {
        if (!field.closest(".day-field, .file-box")) how(field);
      });
    }
  };
  dress();
  document.addEventListener("htmx:afterSwap", () => dress());

  // --- what a field wants ---
  const missing = {
    checkbox: words.tickThis,
    file: words.chooseAFile,
    radio: words.chooseOne,
    "select-one": words.chooseOne,
  };
  const wanted = (field) => {
    const state = field.validity;
    if (state.customError) return field.validationMessage;
    if (state.valueMissing) return missing[field.type] || words.fillIn;
    if (state.typeMismatch && field.type === "email") return words.notAMail;
    if (state.rangeUnderflow) return `${words.atLeast} ${field.min}`;
    if (state.rangeOverflow) return `${words.atMost} ${field.max}`;
    return words.checkThis;
  };
  const said = new WeakMap();
  const unsay = (field) => {
    if (!said.has(field)) return;
    said.get(field).remove();
    said.delete(field);
    field.removeAttribute("aria-invalid");
  };
  let first = null;
  document.addEventListener(
    "invalid",
    (event) => {
      const field = event.target;
      event.preventDefault();
      unsay(field);
      const box = document.createElement("span");
      box.className = "error-text";
      box.setAttribute("role", "alert");
      box.textContent = wanted(field);
      (field.closest(".option, .day-field, .file-box, .affix") || field).after(box);
      said.set(field, box);
      field.setAttribute("aria-invalid", "true");
      if (first) return;
      first = field;
      setTimeout(() => {
        first.focus();
        first = null;
      });
    },
    true,
  );
  for (const name of ["input", "change"]) document.addEventListener(name, (event) => unsay(event.target), true);
})();
