// Who is at the desk, and which refund they have before them: said every few seconds while it is in sight, and taken back when
// it no longer is.
//   [data-look="address"]   the refund that is shown; the names of the others who look are put into it
//   [data-here="address"]   the desk itself: who has it open is there, whether a refund is shown or not
(() => {
  const EVERY_MS = 3000;
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]");
  const desk = document.querySelector("[data-here]");
  let seen = "";
  let unseen = "";
  const leave = (address) => {
    if (!address || !token()) return;
    const form = new FormData();
    form.set("csrfmiddlewaretoken", token().value);
    form.set("left", "1");
    // Unlike a request it outlives the page.
    navigator.sendBeacon(address, form);
  };
  const leaveAll = () => {
    leave(seen);
    seen = "";
    if (desk) leave(desk.dataset.here);
  };
  const look = async () => {
    if (document.hidden) {
      if (seen) leaveAll();
      return;
    }
    const slot = document.querySelector("[data-look]");
    // On a phone the list alone is shown: the refund beside it is before nobody, and may be a colleague's next.
    const isShown = Boolean(slot) && slot.offsetParent !== null;
    if (slot && !isShown && slot.dataset.look !== unseen) leave(slot.dataset.look);
    unseen = slot && !isShown ? slot.dataset.look : "";
    const shown = isShown ? slot.dataset.look : "";
    const address = shown || (desk ? desk.dataset.here : "");
    if (address !== seen && seen && !(desk && seen === desk.dataset.here)) leave(seen);
    seen = address;
    if (!address || !token()) return;
    try {
      const headers = { "X-CSRFToken": token().value, "HX-Request": "true" };
      const answer = await fetch(address, { method: "POST", headers, signal: AbortSignal.timeout(EVERY_MS) });
      if (!shown || answer.status !== 200 || !slot.isConnected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      if (fresh.textContent.trim() !== slot.textContent.trim()) slot.replaceChildren(...fresh.childNodes);
    } catch {
      // Nobody is told now; the next one will do.
    }
  };
  setInterval(look, EVERY_MS);
  // Whoever steps through the list looks at where they stop.
  const STAYS_MS = 300;
  let stopped = 0;
  document.addEventListener("htmx:afterSwap", () => {
    clearTimeout(stopped);
    stopped = setTimeout(look, STAYS_MS);
  });
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", leaveAll);
  look();
})();
