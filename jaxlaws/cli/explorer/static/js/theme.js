// Sets light or dark before the first paint. The choice is kept in this browser.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("jaxlaws-colours") || "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };
  const apply = (choice) => {
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.dispatchEvent(new Event("themechange"));
  };
  apply(stored());
  system.addEventListener("change", () => apply(stored()));
  document.addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    select.value = stored();
    select.addEventListener("change", () => {
      try {
        localStorage.setItem("jaxlaws-colours", select.value);
      } catch {
        // The choice then lasts until the page is left.
      }
      apply(select.value);
    });
  });
})();
