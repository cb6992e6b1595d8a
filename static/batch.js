// A file of many refunds: [data-batch] on a form is the address of the API that takes it, [data-filed] where its page is, and
// [data-failed] what is said where the answer cannot be read. The same file sent twice is one batch.
(() => {
  const form = document.querySelector("form[data-batch]");
  if (!form) return;
  const said = form.querySelector("[role=alert]");
  const tell = (text) => {
    said.textContent = text;
    said.hidden = false;
  };
  const send = async (file) => {
    const content = await file.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const day = new Date().toISOString().slice(0, 10);
    const key = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const answer = await fetch(form.dataset.batch, {
      method: "POST",
      body: content,
      headers: {
        "Content-Type": "text/csv",
        "Idempotency-Key": `desk-${day}-${key}`,
        "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
      },
    });
    const told = await answer.json();
    if (answer.status === 201) location.assign(form.dataset.filed + told.id);
    else tell([told.title, ...told.errors.slice(0, 3).map((one) => one.message)].join(" "));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    send(form.elements.file.files[0])
      .catch(() => tell(form.dataset.failed))
      .finally(() => {
        button.disabled = false;
      });
  });
})();
