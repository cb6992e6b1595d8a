// Keeps every clock on the page going, and counts down what is over after [data-left-s] seconds and goes then. The page carries the server's time (body[data-now]), so a wrong clock on the
// till does not matter. The words come from the page; the rules are those of `time_left` in desk_format.py.
(() => {
  const words = document.body.dataset;
  if (!words.now) return;
  const offset = Number(words.now) - Date.now() / 1000;
  const AMBER = 1200;
  const RED = 600;
  const HALF_HOUR = 1800;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
  const span = (seconds) => {
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const m = minutes % 60;
    if (hours >= 24) return fill(words.clockDays, { d: Math.floor(hours / 24), h: hours % 24 });
    if (!hours) return fill(words.clockMinutes, { m: minutes });
    if (hours >= 2 || !m) return fill(words.clockHours, { h: hours });
    return fill(words.clockHoursMinutes, { h: hours, m });
  };
  const left = (seconds) => {
    if (seconds < 0 && seconds > -60) return words.clockJustOver;
    if (seconds < 0) return fill(words.clockOver, { time: span(-seconds) });
    if (seconds < HALF_HOUR) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return span(seconds);
  };

  const tick = () => {
    const now = Math.floor(Date.now() / 1000 + offset);
    document.querySelectorAll("[data-left-s]").forEach((item) => {
      // From when it was first seen: the page itself may be old.
      item.until = item.until || Date.now() + 1000 * Number(item.dataset.leftS);
      const seconds = Math.round((item.until - Date.now()) / 1000);
      if (seconds > 0) item.querySelector("[data-left-s-shown]").textContent = seconds;
      else item.remove();
    });
    document.querySelectorAll("[data-due]").forEach((clock) => {
      const seconds = Number(clock.dataset.due) - now;
      const target = Number(clock.dataset.target);
      const used = seconds <= 0 || !target ? 100 : Math.max(2, Math.min(100, Math.round((1 - seconds / target) * 100)));
      clock.classList.toggle("bad", seconds < RED);
      clock.classList.toggle("warn", seconds >= RED && seconds < AMBER);
      const ring = clock.querySelector(".fill");
      // Written anew it would be painted anew.
      if (ring && clock.used !== used) ring.setAttribute("stroke-dasharray", `${used} 100`);
      clock.used = used;
      const text = clock.querySelector("[data-left]");
      const words_ = left(seconds);
      if (text && text.textContent !== words_) text.textContent = words_;
    });
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
})();
