// What Shiny has no control for: plain sliders, files that are too large, a page built anew, light and dark.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  dark.addEventListener("change", paint);
  paint();

  const shown = (slider) => {
    const value = Number(slider.value);
    const text = slider.dataset.unit === "x" ? `× ${value.toFixed(2)}` : `${value} ${slider.dataset.unit}`.trim();
    slider.setAttribute("aria-valuetext", text);
    document.getElementById(`${slider.id}_value`).textContent = text;
  };
  document.addEventListener("input", (event) => event.target.matches("[data-knob]") && shown(event.target));
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-knob]"))
      Shiny.setInputValue("knob", { name: event.target.dataset.knob, value: Number(event.target.value) }, { priority: "event" });
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-knob]").forEach(shown);
    document.querySelectorAll("input[readonly]").forEach((chosen) => chosen.setAttribute("aria-label", "Chosen file"));
  });
  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]");
    if (act) Shiny.setInputValue("act", { act: act.dataset.act, name: act.dataset.name }, { priority: "event" });
  });

  const MOST = 2000000; // bytes; the server has the same limits
  document.addEventListener("change", (event) => {
    const file = event.target.type === "file" && event.target.files[0];
    if (!file || file.size <= MOST) return;
    event.stopImmediatePropagation();
    event.target.value = "";
    Shiny.setInputValue("too_large", { name: file.name, size: file.size }, { priority: "event" });
  }, true);

  document.addEventListener("DOMContentLoaded", () =>
    Shiny.addCustomMessageHandler("reload", (_) => location.reload()));
})();
