// Single-key shortcuts. Off while typing, while an input method composes, with a modifier, and when switched off in the
// sheet (?). A, R, I, N and C press the control that carries [data-action], or the bar's while rows are picked, so a key
// can do nothing a button cannot. Where there is none to press, A, R, I and C say why ([data-why-not]): never nothing.
(() => {
  const sheet = document.getElementById("dlg-keys");
  const KEY = "keys";
  const read = () => {
    try {
      return localStorage.getItem(KEY) !== "off";
    } catch {
      return true;
    }
  };
  let on = read();
  const switcher = document.querySelector("[data-keys-switch]");
  if (switcher) {
    switcher.checked = on;
    switcher.addEventListener("change", () => {
      on = switcher.checked;
      try {
        localStorage.setItem(KEY, on ? "on" : "off");
      } catch {
        // The choice then lasts as long as the page.
      }
    });
  }
  document.addEventListener("click", (event) => {
    if (sheet && event.target.closest("[data-keys-sheet]")) sheet.showModal();
  });

  // An entry of a closed menu counts as offered when its menu can be seen.
  const isOffered = (item) => {
    const menu = item.closest("details.menu");
    return item.offsetParent !== null || Boolean(menu) && menu.querySelector("summary").offsetParent !== null;
  };
  const press = (name) => {
    const control = [...document.querySelectorAll(`[data-action="${name}"]`)].find(isOffered);
    if (control) control.click();
    return Boolean(control);
  };
  /** With rows picked a key means all of them. */
  const forPicked = (action) => {
    const bar = document.getElementById("bulk");
    const button = bar && !bar.hidden && bar.querySelector(`button[value="${action}"]`);
    if (button) button.click();
    return Boolean(button);
  };
  const say = (message) => document.dispatchEvent(new CustomEvent("toast", { detail: { message, tone: "info" } }));
  /** Why the highlighted refund is not to be decided. */
  const refuse = () => {
    const list = document.getElementById("queue");
    const row = list && list.querySelector(".q-row.current");
    if (list && !row) return say(list.dataset.choose);
    const shown = [...document.querySelectorAll("[data-why-not]")].find((head) => head.offsetParent !== null);
    const why = shown ? shown.dataset.whyNot : row && row.dataset.blocked;
    if (why) say(why);
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-refused]")) refuse();
  });
  /** Press the first of these controls that is offered, of the refund that is highlighted. */
  const decide = (...names) => {
    const act = () => names.some(press) || refuse();
    if (window.desk) window.desk.whenShown(act);
    else act();
  };
  // What N asked for opens another page: until then a key would decide what stands here, as it was before the claim.
  let leaving = false;
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) leaving = false;
  });
  addEventListener("pageshow", () => {
    leaving = false;
  });
  const follow = (rel) => {
    const link = document.querySelector(`.crumb [rel="${rel}"]`);
    if (link) link.click();
  };
  const keys = {
    // On a refund's own page the arrows of its list.
    j: () => window.desk ? window.desk.step(1) : follow("next"),
    k: () => window.desk ? window.desk.step(-1) : follow("prev"),
    x: () => window.desk && window.desk.pick(),
    a: () => forPicked("approve") || decide("approve"),
    r: () => forPicked("reject") || decide("reject"),
    i: () => decide("info"),
    c: () => forPicked("claim") || decide("claim", "release"),
    Escape: () => window.desk && window.desk.clear(),
    n: () => {
      leaving = press("claim-next");
    },
    u: () => press("undo"),
    f: () => press("flow"),
    "/": () => {
      const field = document.querySelector("[data-search]");
      if (field) field.focus();
    },
    "?": () => sheet && sheet.showModal(),
  };
  const typing = (target) =>
    target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
      ? target.type !== "checkbox" && target.type !== "radio"
      : false;

  document.addEventListener("keydown", (event) => {
    if (!on || leaving || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !/^[jk]$/i.test(event.key)) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter") {
      // Enter keeps its own meaning on links, buttons and boxes.
      if (window.desk && !event.target.closest("a, button, summary, input")) window.desk.open();
      return;
    }
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    if (event.key !== "Escape") event.preventDefault();
    act();
  });
})();
