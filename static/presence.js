// Who has which refund before them: said every few seconds while it is in sight, and taken back when it no longer is.
//   [data-look="address"]   the refund that is shown; the names of the others who look are put into it
(() => {
  const EVERY_MS = 5000;
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]");
  let seen = "";
  const leave = () => {
    if (!seen || !token()) return;
    const form = new FormData();
    form.set("csrfmiddlewaretoken", token().value);
    form.set("left", "1");
    // Unlike a request it outlives the page.
    navigator.sendBeacon(seen, form);
    seen = "";
  };
  const look = async () => {
    const slot = document.querySelector("[data-look]");
    const address = slot && !document.hidden ? slot.dataset.look : "";
    if (address !== seen) leave();
    if (!address || !token()) return;
    seen = address;
    try {
      const headers = { "X-CSRFToken": token().value, "HX-Request": "true" };
      const answer = await fetch(address, { method: "POST", headers, signal: AbortSignal.timeout(EVERY_MS) });
      if (answer.status !== 200 || !slot.isConnected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      if (fresh.textContent.trim() !== slot.textContent.trim()) slot.replaceChildren(...fresh.childNodes);
    } catch {
      // Nobody is told now; the next one will do.
    }
  };
  setInterval(look, EVERY_MS);
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", leave);
  look();
})();
