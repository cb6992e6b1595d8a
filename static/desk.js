// The review desk: the current row and its preview, picking rows, the bar of bulk actions.
//   tr.q-row[data-key][data-href][data-pane][data-select]   a refund: number, page, preview fragment, address of the desk
//   [data-pick] in a row, [data-pick-all]                    check boxes; a row's amount in fen is in data-amount
//   #bulk [data-bulk-count] [data-bulk-total]                the bar; #dlg-bulk shows the dry run
//   [data-step="1|-1"]                                       next and previous row
//   #pane-loading, #pane-lost                                what the preview shows when it is slow, and when it could not be had
// While a preview is on its way the one before it still stands there: nothing in it can be pressed, and a decision key
// waits for the refund that is highlighted. Otherwise J and then A, typed fast, would approve the wrong one.
window.desk = (() => {
  const list = document.getElementById("queue");
  const pane = document.getElementById("pane");
  if (!list) return null;
  const rows = () => [...list.querySelectorAll(".q-row")];
  const current = () => list.querySelector(".q-row.current");
  // Where the preview is not shown a row opens its page instead. Asked when that can have changed and not with every key: the
  // answer makes the browser lay out the page at once, and what follows would make it do so again.
  let isPaneShown = false;
  const lookForPane = () => {
    isPaneShown = Boolean(pane) && pane.offsetParent !== null;
  };
  lookForPane();
  if (pane) new ResizeObserver(lookForPane).observe(pane);
  const hasPane = () => isPaneShown;
  // What can wait does not make the frame late in which the next refund is painted. A page out of sight paints nothing.
  const AT_LATEST_MS = 100;
  const unpainted = new Set();
  const afterPaint = (act) => {
    const once = () => {
      if (unpainted.delete(once)) act();
    };
    unpainted.add(once);
    requestAnimationFrame(() => setTimeout(once));
    setTimeout(once, AT_LATEST_MS);
  };
  addEventListener("pagehide", () => unpainted.forEach((once) => once()));

  const PREVIEW_AFTER_MS = 120;
  let timer = 0;
  let wanted = "";
  // Where the last step led: whoever goes step by step has the next one fetched ahead.
  let direction = 0;
  let selectedAt = 0;
  // The preview that is fetched ahead, or was, and the few that were: going back costs nothing either. An act of one's own may
  // change any of them.
  let ahead = { path: "", html: "", isOver: true };
  const fetched = new Map();
  // Read and made ready while nobody waits for it.
  const partsOf = (html) => {
    const box = document.createElement("div");
    box.innerHTML = html;
    htmx.process(box);
    return [...box.childNodes];
  };
  const makeReady = (path) => {
    const kept = fetched.get(path);
    if (kept && !kept.parts) kept.parts = partsOf(kept.html);
  };
  const KEPT = 4;
  const KEPT_MS = 60000;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") fetched.clear();
  });
  let waiting = null;
  const put = (template) => pane.replaceChildren(document.getElementById(template).content.cloneNode(true));
  const isBusy = () => Boolean(pane) && pane.getAttribute("aria-busy") === "true";
  const SLOW_AFTER_MS = 400;
  let slow = 0;
  const settle = () => {
    clearTimeout(slow);
    pane.removeAttribute("aria-busy");
    pane.inert = false;
    const act = waiting;
    waiting = null;
    return act;
  };
  // A failure is told by its event; the promise would tell it once more, to the console.
  const ask = (path, how) => htmx.ajax("GET", path, how).catch(() => {});
  const fetchPane = (path) => ask(path, { source: pane, target: pane, swap: "innerHTML" });
  const preview = (row, after = PREVIEW_AFTER_MS) => {
    wanted = row.dataset.pane;
    waiting = null;
    pane.setAttribute("aria-busy", "true");
    pane.inert = true;
    clearTimeout(slow);
    slow = setTimeout(() => put("pane-loading"), after + SLOW_AFTER_MS);
    clearTimeout(timer);
    // Holding J must not ask for every row it passes.
    timer = setTimeout(() => {
      // On its way already: it is shown when it comes.
      if (ahead.path !== row.dataset.pane || ahead.isOver) fetchPane(row.dataset.pane);
      history.replaceState(null, "", row.dataset.select);
    }, after);
  };
  /** Act on the highlighted refund: at once, or as soon as its preview is there. */
  const whenShown = (act) => {
    if (isBusy()) waiting = act;
    else act();
  };
  const mark = (row) => {
    const before = current();
    if (before) {
      before.classList.remove("current");
      before.removeAttribute("aria-current");
    }
    row.classList.add("current");
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
  };
  const select = (row) => {
    if (!row || row === current()) return;
    mark(row);
    const isFast = performance.now() - selectedAt < 2 * PREVIEW_AFTER_MS;
    selectedAt = performance.now();
    if (hasPane() && !showAhead(row)) preview(row, isFast ? PREVIEW_AFTER_MS : 0);
  };
  const step = (by) => {
    const all = rows();
    direction = by;
    const at = all.indexOf(current());
    // With the list out of sight nobody sees that this was its end.
    select(all[at < 0 ? 0 : at + by] || (by > 0 && inFlow() ? nextOf(null) : undefined));
  };
  const open = () => {
    const row = current();
    // Enter after A means the dialog that is about to open, not the page.
    if (row && !waiting) location.assign(row.dataset.href);
  };

  // --- one refund after the other (F) ---
  // The list is out of sight, what comes next is fetched ahead, and a decision shows it at once while it is being sent; the
  // server lets nothing leave for ten seconds. One that is refused comes back as it was, with what was typed, unless somebody
  // has begun to do something else: then it is back in the list, and a toast says why.
  const split = document.getElementById("split");
  const flowButton = document.querySelector("[data-flow]");
  const inFlow = () => split.classList.contains("flow") && hasPane();
  const FLOW = "flow";
  const setFlow = (on) => {
    split.classList.toggle("flow", on);
    lookForPane();
    flowButton.setAttribute("aria-pressed", String(on));
    try {
      localStorage.setItem(FLOW, on ? "on" : "off");
    } catch {
      // It then lasts as long as the page.
    }
    const row = current() || nextOf(null);
    if (on && row && row !== current()) select(row);
    fetchAhead();
  };
  const turnFlow = (on) => {
    setFlow(on);
    // With the list out of sight nobody would see what is left in it, and that none of it is theirs.
    if (inFlow() && !current()) {
      setFlow(false);
      if (rows().length) say(list.dataset.over, "info");
    }
  };
  const nextOf = (row) => {
    const all = rows();
    return all.slice(all.indexOf(row) + 1).find((other) => !("skip" in other.dataset));
  };
  /** Where the next key leads, most likely. */
  const likely = () => {
    if (inFlow()) return nextOf(current());
    const all = rows();
    return direction && hasPane() && current() ? all[all.indexOf(current()) + direction] : undefined;
  };
  /** What was fetched of this row, unless it or the row has changed since. */
  const htmlOf = (row, within = KEPT_MS) => {
    const { html, at } = fetched.get(row.dataset.pane) || { html: "", at: 0 };
    return Date.now() - at < within && html.includes(`data-stamp="${row.dataset.stamp}"`) ? html : "";
  };
  const fetchAhead = () => {
    const row = likely();
    if (!row || ahead.path === row.dataset.pane && !ahead.isOver) return;
    const path = row.dataset.pane;
    if (htmlOf(row, KEPT_MS / 2)) {
      makeReady(path);
      return;
    }
    const asked = { path, html: "", isOver: false };
    ahead = asked;
    fetch(`${path}${path.includes("?") ? "&" : "?"}ahead=1${inFlow() ? "&take=1" : ""}`, { headers: { "HX-Request": "true" } })
      .then((answer) => {
        // A colleague works on it: what comes after it is next.
        if (answer.status === 204) row.dataset.skip = "";
        return answer.ok && !answer.redirected ? answer.text() : "";
      })
      .catch(() => "")
      .then((html) => {
        asked.html = html;
        asked.isOver = true;
        fetched.delete(path);
        if (html) fetched.set(path, { html, at: Date.now() });
        if (fetched.size > KEPT) fetched.delete(fetched.keys().next().value);
        if (ahead !== asked) return;
        const isTaken = !html && "skip" in row.dataset && inFlow();
        if (isTaken && row !== current()) fetchAhead();
        if (wanted !== path || !isBusy()) return;
        // Decided from one refund to the next while a colleague took that one: nobody is shown what somebody else reads.
        if (isTaken && row === current() && nextOf(row)) {
          select(nextOf(row));
          return;
        }
        if (!html || !current() || !showAhead(current())) fetchPane(path);
      })
      .then(() => makeReady(path));
  };
  const showAhead = (row) => {
    const html = htmlOf(row);
    if (!html) return false;
    clearTimeout(timer);
    const act = settle();
    wanted = row.dataset.pane;
    const kept = fetched.get(wanted);
    const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
    pane.replaceChildren(...(kept.parts || partsOf(html)));
    kept.parts = null;
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus({ preventScroll: true });
    htmx.trigger(pane, "htmx:afterSwap");
    if (act) act();
    afterPaint(() => {
      history.replaceState(null, "", row.dataset.select);
      fetchAhead();
    });
    return true;
  };
  const say = (message, tone) => document.dispatchEvent(new CustomEvent("toast", { detail: { message, tone } }));
  // Decided here, and not yet known to the server: a list that it made meanwhile still has them.
  const sent = new Set();
  const textOf = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.replace(/\s+/g, " ").trim();
  const banner = (text) => {
    const box = document.createElement("p");
    box.className = "banner bad";
    box.setAttribute("role", "alert");
    box.textContent = text;
    return box.outerHTML;
  };
  const atOnce = (style) => ({ swapStyle: style, swapDelay: 0, settleDelay: 0 });
  const comeBack = (row, kept, form, next, said) => {
    const body = list.querySelector("tbody");
    const isThere = rows().some((other) => other.dataset.key === row.dataset.key);
    if (body && !isThere) body.prepend(row);
    if (current() !== next || !body || isThere || document.querySelector("dialog[open]")) {
      say(`${row.dataset.key}: ${textOf(said)}`, "bad");
      return;
    }
    settle();
    clearTimeout(timer);
    pane.replaceChildren(...kept);
    pane.querySelectorAll(":scope > *").forEach((part) => htmx.process(part));
    wanted = row.dataset.pane;
    mark(row);
    history.replaceState(null, "", row.dataset.select);
    form.closest("dialog").showModal();
    htmx.swap(form.querySelector(".form-error"), said, atOnce("innerHTML"));
  };
  const words = document.body.dataset;
  const REFILL_BELOW = 5;
  const send = async (form, body, row, next, kept) => {
    let said = banner(words.lost);
    let unsent = false;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body,
        headers: { "HX-Request": "true", Stays: "1" },
        // It was decided, whether the page is left meanwhile or not.
        keepalive: true,
        signal: AbortSignal.timeout(20000),
      });
      const text = await answer.text();
      sent.delete(row.dataset.key);
      if (answer.ok) {
        if (rows().length < REFILL_BELOW) refresh();
        htmx.swap("#undo", text, atOnce("outerHTML"));
        const event = answer.headers.get("HX-Trigger");
        if (event) say(JSON.parse(event).toast.message, "ok");
        return;
      }
      if (answer.headers.get("Refused")) said = text;
      else if (answer.status === 401 || answer.status === 403) {
        const stale = document.getElementById("stale").content.firstElementChild.cloneNode(true);
        stale.className = "banner bad";
        stale.setAttribute("role", "alert");
        said = stale.outerHTML;
        unsent = true;
      }
    } catch {
      // No answer came: what is said of that stands above.
      sent.delete(row.dataset.key);
    }
    comeBack(row, kept, form, next, said);
    if (unsent) form.dispatchEvent(new CustomEvent("unsent", { bubbles: true }));
  };
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const row = current();
      const next = row && nextOf(row);
      if (!next || !inFlow() || !form.matches("#pane dialog form") || !/\/(approve|reject|info)$/.test(form.action)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const kept = [...pane.childNodes];
      const body = new URLSearchParams(new FormData(form));
      form.closest("dialog").close();
      sent.add(row.dataset.key);
      select(next);
      row.remove();
      afterPaint(() => send(form, body, row, next, kept));
    },
    true,
  );
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-flow]")) turnFlow(!split.classList.contains("flow"));
  });

  if (pane) {
    // A late answer for a row that was left again is dropped.
    pane.addEventListener("htmx:beforeSwap", (event) => {
      if (event.target !== pane) return;
      const asked = event.detail.requestConfig && event.detail.requestConfig.path;
      if (asked && wanted && asked !== wanted) event.detail.shouldSwap = false;
      // It is here: the sign of waiting must not come over it before it has settled.
      else clearTimeout(slow);
    });
    pane.addEventListener("htmx:afterSettle", (event) => {
      if (event.target !== pane) return;
      const act = settle();
      if (act) act();
      fetchAhead();
    });
    const lost = (event) => {
      if (event.detail.elt !== pane) return;
      settle();
      put("pane-lost");
    };
    for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) pane.addEventListener(name, lost);
  }

  // --- the list stays fresh ---
  // Colleagues decide, tills submit. Nobody is disturbed: not while rows are picked, a dialog or a menu is open, or the
  // page is out of sight. The row and the preview stay where they are.
  const FRESH_EVERY_MS = 20000;
  const shown = () => {
    const mark = pane && pane.querySelector("[data-shown]");
    return mark ? `${mark.dataset.shown}@${mark.dataset.stamp}` : "";
  };
  const isQuiet = () =>
    !document.hidden &&
    !isBusy() &&
    !list.matches(":active") &&
    !document.querySelector("dialog[open], details.menu[open], [data-pick]:checked");
  const refresh = () => {
    if (!isQuiet()) return;
    const row = current();
    const url = new URL(row ? row.dataset.select : location.href, location.origin);
    ask(url.pathname + url.search, { source: list, target: "#list", swap: "outerHTML" });
  };
  setInterval(refresh, FRESH_EVERY_MS);
  // The navigation shows the number of the first view, too.
  const tellCount = () => {
    const count = document.querySelector("#views .count");
    document.querySelectorAll("[data-queue-count]").forEach((other) => {
      other.textContent = count.textContent;
    });
  };
  // Where the focus stood, in words that the new list understands, too.
  const placeOf = (element) => {
    if (!element || !list.contains(element)) return "";
    const row = element.closest(".q-row");
    if (!row) return element.matches(".tablewrap") ? ".tablewrap" : "";
    return `.q-row[data-key="${row.dataset.key}"] ${element.matches("[data-pick]") ? "[data-pick]" : "a"}`;
  };
  let kept = null;
  list.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "list") return;
    // Somebody began to do something while the answer was on its way: the next one will do.
    if (!isQuiet()) event.detail.shouldSwap = false;
    const row = current();
    const scroller = list.querySelector(".tablewrap");
    kept = { key: row && row.dataset.key, focus: placeOf(document.activeElement), top: scroller ? scroller.scrollTop : 0 };
  });
  // In the same turn as the swap: a key pressed before htmx has settled would be undone.
  list.addEventListener("htmx:afterSwap", () => {
    if (!kept) return;
    const { key, focus, top } = kept;
    kept = null;
    for (const row of rows()) if (sent.has(row.dataset.key)) row.remove();
    tellCount();
    const scroller = list.querySelector(".tablewrap");
    if (scroller) scroller.scrollTop = top;
    const named = (wantedKey) => rows().find((row) => row.dataset.key === wantedKey);
    const place = focus && list.querySelector(focus);
    if (place) place.focus({ preventScroll: true });
    const row = named(key);
    const before = current();
    if (before && before !== row) {
      before.classList.remove("current");
      before.removeAttribute("aria-current");
    }
    if (row && row !== before) mark(row);
    if (!hasPane() || !shown()) return;
    // Decided or changed by somebody else: what stands in the preview is fetched anew.
    if (row && shown() !== `${row.dataset.key}@${row.dataset.stamp}`) preview(row, 0);
    else if (!row && key) fetchPane(wanted || pane.querySelector("[data-shown]").dataset.pane);
    else fetchAhead();
  });

  list.addEventListener("click", (event) => {
    const row = event.target.closest(".q-row");
    if (!row || event.target.closest("a, button, input, label, summary")) return;
    if (hasPane()) select(row);
    else location.assign(row.dataset.href);
  });
  document.addEventListener("click", (event) => {
    const stepper = event.target.closest("[data-step]");
    if (stepper) step(Number(stepper.dataset.step));
    const again = event.target.closest("[data-pane-again]");
    if (again && current()) preview(current(), 0);
    const cancel = event.target.closest("[data-bulk-clear]");
    if (cancel) clear();
    const wide = event.target.closest("[data-wide]");
    if (wide) wide.setAttribute("aria-pressed", String(document.getElementById("split").classList.toggle("wide")));
  });

  // --- picking ---
  const bar = document.getElementById("bulk");
  const yuan = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  // What one may not decide cannot be picked.
  const boxes = () => [...list.querySelectorAll("[data-pick]:not([disabled])")];
  const tally = () => {
    if (!bar) return;
    const picked = boxes().filter((box) => box.checked);
    let total = 0;
    for (const box of boxes()) {
      const row = box.closest(".q-row");
      row.classList.toggle("picked", box.checked);
      if (box.checked) total += Number(row.dataset.amount);
    }
    bar.hidden = picked.length === 0;
    bar.querySelector("[data-bulk-count]").textContent = picked.length;
    bar.querySelector("[data-bulk-total]").textContent = `¥${yuan.format(total / 100)}`;
    const all = list.querySelector("[data-pick-all]");
    if (all) {
      all.checked = picked.length > 0 && picked.length === boxes().length;
      all.indeterminate = picked.length > 0 && !all.checked;
    }
  };
  const clear = () => {
    boxes().forEach((box) => {
      box.checked = false;
    });
    tally();
  };
  const pick = () => {
    const row = current();
    const box = row && row.querySelector("[data-pick]");
    if (!box) return;
    if (box.disabled) {
      document.dispatchEvent(new CustomEvent("toast", { detail: { message: row.dataset.blocked, tone: "info" } }));
      return;
    }
    box.checked = !box.checked;
    tally();
  };
  list.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) {
      boxes().forEach((box) => {
        box.checked = event.target.checked;
      });
    }
    tally();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dlg-bulk" && !event.target.open) event.target.showModal();
    else if (event.target !== pane) tally();
  });
  tally();

  let wasFlow = new URLSearchParams(location.search).has(FLOW);
  try {
    wasFlow = wasFlow || localStorage.getItem(FLOW) === "on";
  } catch {
    // Not remembered, then.
  }
  if (wasFlow && flowButton) {
    turnFlow(true);
  }

  return { step, open, pick, select, clear, whenShown };
})();
