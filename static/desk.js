// The review desk: the current row and its preview, picking rows, the bar of bulk actions.
//   tr.q-row[data-key][data-href][data-pane][data-select]   a refund: number, page, preview fragment, address of the desk
//   [data-pick] in a row, [data-pick-all]                    check boxes; a row's amount in fen is in data-amount
//   #bulk [data-bulk-count] [data-bulk-total]                the bar; #dlg-bulk shows the dry run
//   [data-step="1|-1"]                                       next and previous row
window.desk = (() => {
  const list = document.getElementById("queue");
  const pane = document.getElementById("pane");
  if (!list) return null;
  const rows = () => [...list.querySelectorAll(".q-row")];
  const current = () => list.querySelector(".q-row.current");
  // Where the preview is not shown a row opens its page instead.
  const hasPane = () => Boolean(pane) && pane.offsetParent !== null;

  const PREVIEW_AFTER_MS = 120;
  let timer = 0;
  let wanted = "";
  const preview = (row) => {
    wanted = row.dataset.pane;
    pane.setAttribute("aria-busy", "true");
    clearTimeout(timer);
    // Holding J must not ask for every row it passes.
    timer = setTimeout(() => {
      htmx.ajax("GET", row.dataset.pane, { source: pane, target: pane, swap: "innerHTML" });
      history.replaceState(null, "", row.dataset.select);
    }, PREVIEW_AFTER_MS);
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
    if (hasPane()) preview(row);
  };
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(current());
    select(all[at < 0 ? 0 : at + by]);
  };
  const open = () => {
    const row = current();
    if (row) location.assign(row.dataset.href);
  };

  if (pane) {
    // A late answer for a row that was left again is dropped.
    pane.addEventListener("htmx:beforeSwap", (event) => {
      if (event.target !== pane) return;
      const asked = event.detail.requestConfig && event.detail.requestConfig.path;
      if (asked && wanted && asked !== wanted) event.detail.shouldSwap = false;
    });
    pane.addEventListener("htmx:afterSwap", () => pane.removeAttribute("aria-busy"));
  }

  list.addEventListener("click", (event) => {
    const row = event.target.closest(".q-row");
    if (!row || event.target.closest("a, button, input, label, summary")) return;
    if (hasPane()) select(row);
    else location.assign(row.dataset.href);
  });
  document.addEventListener("click", (event) => {
    const stepper = event.target.closest("[data-step]");
    if (stepper) step(Number(stepper.dataset.step));
    const cancel = event.target.closest("[data-bulk-clear]");
    if (cancel) clear();
    const wide = event.target.closest("[data-wide]");
    if (wide) wide.setAttribute("aria-pressed", String(document.getElementById("split").classList.toggle("wide")));
  });

  // --- picking ---
  const bar = document.getElementById("bulk");
  const yuan = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const boxes = () => [...list.querySelectorAll("[data-pick]")];
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
    if (event.target.id === "dlg-bulk") event.target.showModal();
    else tally();
  });
  tally();

  return { step, open, pick, select };
})();
