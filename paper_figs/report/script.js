(() => {
  "use strict";

  /* The choice of colours is kept where the browser lets it be kept. */
  const KEY = "amss-min-theme";
  const root = document.documentElement;
  const kept = () => { try { return localStorage.getItem(KEY) || ""; } catch { return ""; } };
  const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* for this page only */ } };
  const dress = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  dress(kept());

  const offerColours = () => {
    const choice = document.getElementById("theme");
    choice.value = root.dataset.theme || "";
    choice.addEventListener("change", () => { dress(choice.value); keep(choice.value); });
    choice.closest(".switch").hidden = false;
  };

  const offerFilter = () => {
    const form = document.getElementById("filter");
    if (!form) return;
    const words = (element) => {
      const formulas = Array.from(element.querySelectorAll("math"), (math) => math.getAttribute("alttext"));
      return [element.textContent, ...formulas].join(" ").toLowerCase();
    };
    const claims = Array.from(document.querySelectorAll("section.claim"), (section) => {
      const place = section.querySelector("h3").id;
      const row = document.querySelector(`table.verdicts th a[href="#${place}"]`).closest("tr");
      return { section, row, text: words(section), status: section.dataset.status, kind: section.dataset.kind };
    });
    const told = document.getElementById("told");
    const search = document.getElementById("search");
    const kind = document.getElementById("kind");

    const apply = () => {
      const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const statuses = new Set(Array.from(form.querySelectorAll("input:checked"), (box) => box.value));
      let shown = 0;
      for (const claim of claims) {
        const fits = statuses.has(claim.status) && (!kind.value || kind.value === claim.kind)
          && sought.every((word) => claim.text.includes(word));
        claim.section.hidden = claim.row.hidden = !fits;
        shown += fits;
      }
      told.textContent = `${shown} of ${claims.length} claims shown`;
    };
    const reveal = () => {
      const target = document.getElementById(location.hash.slice(1));
      const section = target && target.closest("section.claim");
      if (section && section.hidden) { form.reset(); apply(); target.scrollIntoView(); }
    };

    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    window.addEventListener("hashchange", reveal);
    form.hidden = false;
    apply();
  };

  document.addEventListener("DOMContentLoaded", () => { offerColours(); offerFilter(); });
})();
