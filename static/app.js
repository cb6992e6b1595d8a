// What every page shares. Progressive enhancement: pages work as plain links and forms without it.
//
// The protocol between templates and scripts, all by data attributes:
//   [data-theme-toggle]                switches light and dark, remembered
//   [data-copy="text"]                 copies the text
//   [data-dialog="dlg-x"]              opens <dialog id="dlg-x">; a link falls back to ?do=x without scripts
//   [data-close-dialog]                closes the dialog it stands in
//   [data-photo] on <a href>           shows the picture in #dlg-photo
//   [data-print]                       prints the page
//   [data-tip="text"] in a chart       tooltip; [data-href] there: a click opens it
//   [data-filter="kind"] buttons       show only list items [data-kind~="kind"] in [data-filtered="#id"]
//   HX-Trigger: {"toast": {"message": "...", "tone": "ok|bad|info"}}   shows a toast
//   [data-suggests="id"] on a select    puts the chosen option's data-text into the field, unless somebody wrote there
//   Ctrl+Enter in a form                sends it, from any field
//   [data-poll]                          asks by itself, but not while somebody writes, chooses or presses, or nobody looks
//   #offline                             what is said in a form that is sent without a line
//   [data-lost] on a form                what to say instead when no answer came
//   #stale                               what is said where somebody is no longer signed in; event "unsent" at the form (typed.js)
//   .form-error in a form sent by htmx   takes what came of it: the server's refusal (header Refused), or no answer at all
//   [data-reveals="id"] on a checkbox   shows what is typed into that password field
// passkey.js: [data-passkey]; typed.js: [data-me] and [data-typed] on the body
// clock.js: [data-due] [data-target] [data-left]; desk.js: rows and the pane; desk-keys.js: the keyboard.
(() => {
  const root = document.documentElement;
  const words = document.body.dataset;

  // A page that answers a form (a key that is shown once, a refusal) is not asked for again by the form when it is loaded anew or
  // come back to: that would make a second key.
  history.replaceState(history.state, "", location.href);

  // --- theme ---
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const switchTheme = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // The choice then lasts as long as the page.
    }
  };

  document.addEventListener("change", (event) => {
    const field = document.getElementById(event.target.dataset.reveals);
    if (field) field.type = event.target.checked ? "text" : "password";
  });

  // --- toasts ---
  const TOAST_MS = 6000;
  const dress = (toast) => {
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", words.close);
    close.addEventListener("click", () => toast.remove());
    toast.append(close);
    // An error stays until it is read.
    if (!toast.classList.contains("bad")) setTimeout(() => toast.remove(), TOAST_MS);
  };
  const toast = (message, tone = "info") => {
    // The same words twice would only hide the first ones.
    document.querySelectorAll("#toasts .toast").forEach((other) => {
      if (other.firstChild.textContent === message) other.remove();
    });
    const box = document.createElement("div");
    box.className = `toast ${tone}`;
    box.textContent = message;
    dress(box);
    document.getElementById("toasts").append(box);
  };
  document.querySelectorAll("#toasts .toast").forEach(dress);
  document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.tone));

  // --- polls disturb nobody: what is half written or chosen would be gone with the page, or with the part they replace ---
  const FIELDS = "input, select, textarea";
  const used = new WeakSet();
  for (const name of ["input", "change"]) document.addEventListener(name, (event) => used.add(event.target), true);
  document.addEventListener(
    "click",
    (event) => {
      const fold = event.target.closest("summary");
      if (fold) used.add(fold.parentElement);
    },
    true,
  );
  // What was written and taken out again is no reason to wait.
  const isChanged = (field) =>
    field.matches("select")
      ? [...field.options].some((one) => one.selected !== one.defaultSelected)
      : field.matches("[type=checkbox], [type=radio]")
        ? field.checked !== field.defaultChecked
        : field.value !== field.defaultValue;
  // Words that typed.js brought back are a reason; what narrows a list is sent with every poll.
  const isFilled = (field) =>
    isChanged(field) && (field.matches("textarea") || (used.has(field) && field.form?.getAttribute("method") === "post"));
  const isWriting = () =>
    Boolean(document.querySelector("dialog[open]")) ||
    [...document.querySelectorAll(`main :is(${FIELDS})`)].some(isFilled);
  // A menu or a list of choices that is open would be shut, and a button that is held down another one when it is let go.
  const isHeld = (part) =>
    part.matches(":active") ||
    [...part.querySelectorAll("details[open]")].some((fold) => used.has(fold)) ||
    (part.contains(document.activeElement) && document.activeElement.matches(FIELDS));
  // Nor do they take back a step to another page: a reload ends a way that has begun. A download begins one and leaves nothing.
  let isLeaving = false;
  addEventListener("beforeunload", () => {
    isLeaving = true;
    setTimeout(() => (isLeaving = false), 5000);
  });
  for (const name of ["htmx:beforeRequest", "htmx:beforeOnLoad"])
    document.addEventListener(name, (event) => {
      const { elt, target } = event.detail;
      if (!elt.matches("[data-poll]")) return;
      if (document.hidden || isLeaving || isWriting() || isHeld(target)) event.preventDefault();
    });

  // --- answers that did not come, and those that refuse ---
  // A page that only looks (a poll, a preview) says once that it cannot, and takes it back when it can again.
  const lost = document.getElementById("lost");
  const failed = (event) => {
    const asked = event.detail.elt;
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    const stale = status === 401 || status === 403 ? document.getElementById("stale").content.firstElementChild : null;
    const text = stale ? stale.querySelector("span").firstChild.textContent.trim() : asked.dataset.lost || words.lost;
    const slot = asked.querySelector(".form-error");
    // typed.js keeps what stands in it: whoever signs in again finds it where it was.
    if (stale) asked.dispatchEvent(new CustomEvent("unsent", { bubbles: true }));
    if (slot) {
      // In the form itself: a dialog lies above every toast.
      const box = stale ? stale.cloneNode(true) : document.createElement("p");
      box.className = "banner bad";
      box.setAttribute("role", "alert");
      if (!stale) box.textContent = text;
      slot.replaceChildren(box);
      box.scrollIntoView({ block: "nearest" });
    } else if (event.detail.requestConfig && event.detail.requestConfig.verb !== "get") toast(text, "bad");
    else if (lost && status !== 404) lost.hidden = false;
  };
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(name, failed);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (lost && event.detail.successful) lost.hidden = true;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.matches(".form-error")) event.target.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.xhr.getResponseHeader("Refused")) return;
    event.detail.isError = false;
    if (event.detail.target.matches(".form-error")) {
      event.detail.shouldSwap = true;
      return;
    }
    // A single button has no place for words of its own.
    const said = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").body.textContent;
    toast(said.replace(/\s+/g, " ").trim(), "bad");
  });

  // A page that came back with what was wrong begins at the first field to put right, or where it is said.
  const wrong = document.querySelector('main [aria-invalid="true"]') || document.querySelector("main .banner.bad[role=alert]");
  if (wrong) {
    for (let at = wrong.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    if (wrong.matches("p")) wrong.tabIndex = -1;
    wrong.focus();
  }

  // --- dialogs ---
  const show = (dialog) => {
    if (dialog.open) dialog.close();
    dialog.showModal();
    // Where none is named it is the first thing to fill in, never the cross that closes it.
    const first = dialog.querySelector("[autofocus]") || dialog.querySelector(".dlg-body :is(select, textarea, input:not([type=hidden]))");
    if (first) first.focus();
  };
  const openPhoto = (link) => {
    const dialog = document.getElementById("dlg-photo");
    if (!dialog) return false;
    const picture = dialog.querySelector("img");
    picture.src = link.href;
    picture.alt = link.dataset.photo;
    dialog.querySelector("h2").textContent = link.dataset.photo;
    show(dialog);
    return true;
  };
  // What was said of an earlier attempt is over once the dialog is closed ("close" does not bubble).
  const forget = (event) => {
    if (!event.target.open) event.target.querySelectorAll(".form-error").forEach((slot) => slot.replaceChildren());
  };
  document.addEventListener("close", forget, true);
  // A dialog that the server sent open (no script, or a form error) becomes a modal one.
  const upgradeDialogs = (scope) => scope.querySelectorAll("dialog[open]").forEach((dialog) => show(dialog));
  upgradeDialogs(document);
  document.addEventListener("htmx:afterSwap", (event) => upgradeDialogs(event.target));

  // --- clicks ---
  const actions = {
    "[data-theme-toggle]": () => switchTheme(),
    "[data-copy]": (button) => {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(button.dataset.copy).then(() => {
        button.classList.add("done");
        toast(`${words.copied} ${button.dataset.copy}`, "ok");
        setTimeout(() => button.classList.remove("done"), TOAST_MS);
      });
    },
    "[data-dialog]": (opener, event) => {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (!dialog) return;
      event.preventDefault();
      show(dialog);
    },
    "[data-close-dialog]": (button) => button.closest("dialog").close(),
    "[data-photo]": (link, event) => {
      if (openPhoto(link)) event.preventDefault();
    },
    "[data-print]": () => window.print(),
    ".chart [data-href]": (mark) => {
      if (mark.dataset.href) location.assign(mark.dataset.href);
    },
    "[data-filter]": (button) => {
      const list = document.querySelector(button.closest("[data-filtered]").dataset.filtered);
      button.parentElement.querySelectorAll("[data-filter]").forEach((other) => {
        other.setAttribute("aria-pressed", String(other === button));
      });
      list.querySelectorAll("[data-kind]").forEach((item) => {
        item.hidden = button.dataset.filter !== "all" && !item.dataset.kind.split(" ").includes(button.dataset.filter);
      });
    },
  };
  document.addEventListener("click", (event) => {
    for (const [selector, act] of Object.entries(actions)) {
      const hit = event.target.closest(selector);
      if (hit) act(hit, event);
    }
    // A click on the ground around a dialog or a menu closes it.
    if (event.target.tagName === "DIALOG" && event.target.matches(":modal")) event.target.close();
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target === menu) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest && event.target.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || event.repeat) return;
    const form = event.target.closest("dialog form, form.compose");
    const send = form && form.querySelector("[type=submit]:not([disabled])");
    if (!send) return;
    event.preventDefault();
    send.click();
  });
  // Enter in a field presses the first of a form's buttons: of several answers it would give one that nobody gave.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=checkbox]):not([type=radio])")) return;
    const { form } = event.target;
    if (form && form.querySelectorAll("[type=submit][name]").length > 1) event.preventDefault();
  });
  // A form on its way is not sent again: a second click would file the same incident, task or case once more. It is free again
  // where the page comes back, or stays: what came was a file, or somebody stopped it.
  const ON_ITS_WAY_MS = 10000;
  const free = (form) => form.removeAttribute("aria-busy");
  const sayOffline = (form) => {
    form.querySelectorAll("[data-offline]").forEach((said) => said.remove());
    const said = document.getElementById("offline").content.firstElementChild.cloneNode(true);
    said.className = "banner bad";
    said.setAttribute("role", "alert");
    (form.querySelector(".form-error") || form).prepend(said);
    said.scrollIntoView({ block: "nearest" });
  };
  let reached = null;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (!navigator.onLine && form !== reached) {
      // The browser's own page would come instead, and what was typed would be gone. A server on the same machine is there.
      event.preventDefault();
      const { submitter } = event;
      const send = () => {
        reached = form;
        form.requestSubmit(submitter);
        reached = null;
      };
      fetch("/healthz", { cache: "no-store" }).then(send, () => sayOffline(form));
      return;
    }
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    setTimeout(free, ON_ITS_WAY_MS, form);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(free));
  const suggested = new WeakMap();
  document.addEventListener("change", (event) => {
    const field = document.getElementById(event.target.dataset.suggests);
    if (field && (!field.value.trim() || field.value === suggested.get(field))) {
      field.value = event.target.selectedOptions[0].dataset.text || "";
      suggested.set(field, field.value);
    }
  });

  // --- paper folds nothing away, and nothing can be filled in on it ---
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details[data-print-open]").forEach((fold) => {
      fold.open = true;
    });
    document.querySelectorAll("main form.fields").forEach((form) => {
      const card = form.closest(".card");
      const isAll = card && [...card.children].every((part) => part === form || part.matches(".card-head"));
      (isAll ? card : form).classList.add("no-print");
    });
  });

  // A table is named as the part that scrolls it: whoever goes from table to table hears which it is.
  const nameTables = (scope) =>
    scope.querySelectorAll(".tablewrap > table:not([aria-label], [aria-labelledby])").forEach((table) => {
      if (table.caption) return;
      for (const name of ["aria-label", "aria-labelledby"]) {
        const said = table.parentElement.getAttribute(name);
        if (said) table.setAttribute(name, said);
      }
    });
  nameTables(document);
  document.addEventListener("htmx:afterSwap", (event) => nameTables(event.target));

  // The navigation is longer than many a screen: where one stands is in sight.
  // Only it is moved: scrollIntoView would move the page with it.
  const here = document.querySelector(".nav [aria-current=page]");
  const nav = here && here.closest(".nav");
  if (nav) nav.scrollTop += Math.max(0, here.getBoundingClientRect().bottom - nav.getBoundingClientRect().bottom);

  // --- chart tooltips (writing styles from a script is allowed; inline ones are not) ---
  let tip = null;
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest && event.target.closest(".chart [data-tip]");
    if (!mark) {
      if (tip) tip.remove();
      tip = null;
      return;
    }
    if (!tip) {
      tip = document.createElement("div");
      tip.className = "tip";
      tip.setAttribute("aria-hidden", "true");
      document.body.append(tip);
    }
    tip.textContent = mark.dataset.tip;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  });
})();
