// What was typed outlives a session that ended: a form that met the sign-in page, or was told to (event "unsent"), was not done.
// It outlives an answer that never came, too, for whoever goes back from the browser's own page to the form. What stood in it
// comes back for the same person where its form stands, in the same tab, once. A form that was refused has again what the server
// did not put back. Passwords, secrets and files are not kept.
(() => {
  const KEPT = "typed";
  const words = document.body.dataset;
  const NOT_KEPT = "[type=hidden], [type=password], [type=file], [spellcheck=false]";
  const fieldsOf = (form) =>
    [...form.elements].filter((field) => field.matches("input[name], textarea[name], select[name]") && !field.matches(NOT_KEPT));
  const keep = (kept) => {
    try {
      if (kept) sessionStorage.setItem(KEPT, JSON.stringify(kept));
      else sessionStorage.removeItem(KEPT);
    } catch {
      // Without storage it is as if there was none.
    }
  };
  const read = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      return null;
    }
  };

  // A page may have several that are sent to one address, with the same fields: "approve" and "reject".
  const sentTo = (action) => [...document.forms].filter((one) => one.action === action);
  const formOf = (kept) => {
    const sent = sentTo(kept.action);
    const hasNames = (one) => kept.fields.every(([name], at) => fieldsOf(one)[at]?.name === name);
    return [sent[kept.place], ...sent].find((one) => one && hasNames(one)) || sent[0];
  };
  const fill = (form, fields, isTaken) =>
    fieldsOf(form).forEach((field, index) => {
      const [name, value, checked] = fields[index] || [];
      if (name !== field.name || isTaken(field)) return;
      if (/^(checkbox|radio)$/.test(field.type)) field.checked = checked;
      else if (!field.options || [...field.options].some((one) => one.value === value)) field.value = value;
    });
  // By the server, as it read what was typed.
  const isWritten = (field) => field.matches("textarea, input:not([type=checkbox], [type=radio])") && field.value;
  const bringBack = (kept, said) => {
    const form = formOf(kept);
    if (!form) return;
    fill(form, kept.fields, () => false);
    for (let at = form.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    const dialog = form.closest("dialog");
    if (dialog && !dialog.open) dialog.showModal();
    const note = document.createElement("p");
    note.className = "banner warn";
    note.setAttribute("role", "status");
    note.textContent = said;
    (form.querySelector(".form-error") || form).prepend(note);
    note.scrollIntoView({ block: "center" });
  };

  const kept = read();
  const came = performance.getEntriesByType("navigation")[0] || {};
  if (words.me) {
    // Any page of the desk that was gone on to means that it was done, refused, or given up.
    keep(null);
    if (kept && kept.me === words.me) {
      const form = formOf(kept);
      if (kept.unsent) bringBack(kept, words.typed);
      else if (came.type === "back_forward") bringBack(kept, words.unanswered);
      else if (form && came.responseStatus >= 400) fill(form, kept.fields, isWritten);
    }
  } else if (kept) {
    keep({ ...kept, unsent: true });
  }
  const remember = (form, unsent) => {
    if (!words.me || form.getAttribute("method") !== "post") return;
    const fields = fieldsOf(form).map((field) => [field.name, field.value, field.checked]);
    if (!fields.length) return;
    const place = sentTo(form.action).indexOf(form);
    keep({ me: words.me, action: form.action, place, fields, unsent });
  };
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) remember(event.target, false);
  });
  document.addEventListener("unsent", (event) => remember(event.target, true));
})();
