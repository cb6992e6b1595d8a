// Passkeys (WebAuthn): [data-passkey] on a form holds what the browser is asked, as the server's JSON; a click on its button asks,
// and the answer goes with the form in the field "passkey". Forms stay hidden where the browser knows no passkeys.
// [data-sign] on a button, also one that came later: the passkey signs, and the form it stands in is sent with the answer.
(() => {
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withBytes = (list) => (list || []).map((item) => ({ ...item, id: toBytes(item.id) }));

  const ask = (options) => {
    const asked = { ...options, challenge: toBytes(options.challenge) };
    if (options.user) {
      asked.user = { ...options.user, id: toBytes(options.user.id) };
      asked.excludeCredentials = withBytes(options.excludeCredentials);
      return navigator.credentials.create({ publicKey: asked });
    }
    asked.allowCredentials = withBytes(options.allowCredentials);
    return navigator.credentials.get({ publicKey: asked });
  };

  const told = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = toText(credential.response[name]);
    }
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  if (!window.PublicKeyCredential) return;
  const show = (root) => root.querySelectorAll("[data-sign][hidden]").forEach((button) => (button.hidden = false));
  show(document);
  document.addEventListener("htmx:afterSwap", (event) => show(event.target));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-sign]");
    if (!button) return;
    const failed = button.parentElement.querySelector("[data-passkey-failed]");
    failed.hidden = true;
    try {
      button.form.elements.signed_by_passkey.value = told(await ask(JSON.parse(button.dataset.sign).publicKey));
    } catch {
      failed.hidden = false;
      return;
    }
    button.form.requestSubmit();
  });
  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.passkey.value) return;
      event.preventDefault();
      const failed = form.querySelector("[data-passkey-failed]");
      failed.hidden = true;
      try {
        form.elements.passkey.value = told(await ask(JSON.parse(form.dataset.passkey).publicKey));
      } catch {
        // Cancelled, timed out, or a key that is there already: the browser has said so itself.
        failed.hidden = false;
        return;
      }
      form.submit();
    });
  });
})();
