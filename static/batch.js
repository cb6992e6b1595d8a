// A file of many refunds: [data-batch] on a form is the address of the API that takes it, [data-filed] where its page is, and
// [data-failed] what is said where the answer cannot be read.
(() => {
  const form = document.querySelector("form[data-batch]");
  if (!form) return;
  const said = form.querySelector("[role=alert]");
  const tell = (text) => {
    said.textContent = text;
    said.hidden = false;
  };
  // One key for one choice of a file: pressed twice, or again after the line was down, it is one batch.
  let key = "";
  form.elements.file.addEventListener("change", () => {
    key = `desk-${[...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-")}`;
  });
  const send = async (file) => {
    const answer = await fetch(form.dataset.batch, {
      method: "POST",
      body: file,
      headers: {
        "Content-Type": "text/csv",
        "Idempotency-Key": key,
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
