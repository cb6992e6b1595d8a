// Runs before the first paint, so that a chosen theme never flashes. Without a choice the style sheet follows the system.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be closed (private windows, old in-app browsers): the system's theme it is.
}
