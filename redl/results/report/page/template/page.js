"use strict";
// The theme, and the start of everything.

function theme() {
  const select = $("#theme");
  try {
    select.value = localStorage.getItem("redl-theme") || "auto";
  } catch {
    select.value = "auto"; // a browser may keep nothing for files
  }
  const apply = () => (document.documentElement.dataset.theme = select.value);
  select.addEventListener("change", () => {
    apply();
    try {
      localStorage.setItem("redl-theme", select.value);
    } catch {
      // it holds until the page is closed
    }
  });
  apply();
}

theme();
table();
for (const id of ["#group", "#score", "#figure"]) $(id)?.addEventListener("change", plots);
plots();
