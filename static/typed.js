// What was typed outlives a session that ended: a form that met the sign-in page was not done. What stood in it comes back for the
// same person on the same page, in the same tab, once. Passwords, secrets and files are not kept.
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

  const bringBack = (kept) => {
    const form = [...document.forms].find((one) => one.action === kept.action);
    if (!form) return;
    fieldsOf(form).forEach((field, index) => {
      const [name, value, checked] = kept.fields[index] || [];
      if (name !== field.name) return;
      if (/^(checkbox|radio)$/.test(field.type)) field.checked = checked;
      else field.value = value;
    });
    for (let at = form.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    const dialog = form.closest("dialog");
    if (dialog && !dialog.open) dialog.showModal();
    const note = document.createElement("p");
    note.className = "banner warn";
    note.setAttribute("role", "status");
    note.textContent = words.typed;
    form.prepend(note);
    note.scrollIntoView({ block: "center" });
  };

  const kept = read();
  if (words.me) {
    // Any other page of the desk means that it was done, or given up.
    keep(null);
    if (kept && kept.unsent && kept.me === words.me && kept.page === location.pathname) bringBack(kept);
  } else if (kept) {
    keep({ ...kept, unsent: true });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!words.me || event.defaultPrevented || form.getAttribute("method") !== "post") return;
    const fields = fieldsOf(form).map((field) => [field.name, field.value, field.checked]);
    if (fields.length) keep({ me: words.me, page: location.pathname, action: form.action, fields });
  });
})();
