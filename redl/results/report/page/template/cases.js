"use strict";
// The table of cases, and all of the case that a reader chooses.

function table() {
  const columns = all("#table thead th");
  const found = new DataTable("#table", {
    autoWidth: false, order: [], pageLength: matchMedia("(max-width: 48rem)").matches ? 10 : 25, lengthMenu: [10, 25, 100, { label: "all", value: -1 }],
    columnDefs: [{ targets: 0, orderable: false, searchable: false }],
    language: { search: "Search", lengthMenu: "_MENU_ cases a page", info: "_START_ to _END_ of _TOTAL_", entries: { _: "cases", 1: "case" } },
  });
  const place = (name) => columns.findIndex((head) => head.dataset.column === name);
  for (const select of all("#filters select[data-column]")) {
    select.addEventListener("change", () => {
      found.column(place(select.dataset.column)).search(select.value, { exact: select.value !== "" }).draw();
    });
  }
  const sort = $("#sort");
  columns.slice(1).forEach((head, number) => {
    for (const [direction, mark] of [["asc", "rising"], ["desc", "falling"]]) {
      sort.append(make("option", `${head.textContent.trim()}, ${mark}`, { value: `${number + 1} ${direction}` }));
    }
  });
  sort.addEventListener("change", () => {
    const [number, direction] = sort.value.split(" ");
    found.order(sort.value ? [[Number(number), direction]] : []).draw();
  });
  $("#table").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(button.closest("tr").dataset.case);
  });
  let length = found.page.len();
  addEventListener("beforeprint", () => {
    length = found.page.len();
    if (cases.size <= 500) found.page.len(-1).draw();
  });
  addEventListener("afterprint", () => found.page.len(length).draw());
}

const described = new Set(["recipe", "data", "environment", "divergence"]); // in which null is no figure

// Every value with its path in the record: figures as they are saved, to the last digit.
function tree(value, path, list) {
  if (Array.isArray(value) && value.some((one) => one !== null && typeof one === "object")) {
    value.forEach((one, place) => tree(one, `${path}.${place}`, list));
  } else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [name, one] of Object.entries(value)) tree(one, `${path}.${name}`, list);
  } else {
    const shown = value === null ? (described.has(path.split(".")[0]) ? "none" : "not measured") : Array.isArray(value) ? value.join(", ") || "none" : String(value);
    list.append(make("dt", path.split(".").slice(1).join(" \u203a ")), make("dd", shown, { "data-field": path, ...(value === null ? { class: "null" } : {}) }));
  }
}

function section(name, value, note) {
  const details = make("details", undefined, { "data-section": name });
  if (["recipe", "environment"].includes(name)) details.open = true;
  details.append(make("summary", name));
  if (value === null || value === undefined) {
    details.append(make("p", note));
    return details;
  }
  const list = make("dl");
  if (typeof value === "object") tree(value, name, list);
  else list.append(make("dt", name), make("dd", String(value), { "data-field": name }));
  details.append(list);
  return details;
}

function traceOf(one) {
  const trace = one.training?.trace;
  const box = make("details", undefined, { "data-section": "trace" });
  box.open = true;
  box.append(make("summary", "trace"));
  if (!trace?.epoch) {
    box.append(make("p", "No epoch was finished."));
    return box;
  }
  const names = Object.keys(trace);
  const wrapper = make("div", undefined, { class: "wide", tabindex: 0, role: "region", "aria-label": "Trace" });
  const grid = make("table");
  const head = make("tr");
  head.append(...names.map((name) => make("th", name.replaceAll("_", " "), { scope: "col" })));
  grid.append(make("caption", "Each epoch", { class: "hidden" }), make("thead"), make("tbody"));
  grid.tHead.append(head);
  trace.epoch.forEach((_, place) => {
    const row = make("tr");
    row.append(...names.map((name) => make("td", trace[name][place] ?? "not finite", { "data-field": `training.trace.${place}.${name}` })));
    grid.tBodies[0].append(row);
  });
  wrapper.append(grid);
  box.append(wrapper);
  return box;
}

function show(id) {
  const one = record(cases.get(id));
  const reason = one.reason ?? "this case ended before it";
  $("#h-case").textContent = id;
  const box = $("#details");
  box.dataset.case = id;
  const status = make("p");
  status.append(make("strong", one.status), one.reason ? `: ${one.reason}` : "");
  const warnings = make("details", undefined, { "data-section": "warnings" });
  warnings.open = true;
  warnings.append(make("summary", `warnings (${one.warnings.length})`));
  const list = make("ul");
  list.append(...one.warnings.map((text) => make("li", text)));
  warnings.append(one.warnings.length ? list : make("p", "None."));
  const { trace: _, ...training } = one.training ?? {};
  box.replaceChildren(
    status, section("recipe", one.recipe, reason), section("environment", one.environment, reason), traceOf(one), warnings,
    ...["metrics", "memory", "energy"].map((name) => section(name, one[name], reason)),
    section("training", one.training ? training : null, reason),
    ...["inference", "parameters", "divergence", "data"].map((name) => section(name, one[name], reason)),
    section("conditions", one.conditions, "not recorded"),
    section("placement", one.placement, "not recorded"),
    section("earlier_attempts", one.earlier_attempts.length ? one.earlier_attempts : null, "none"),
  );
  $("#case").hidden = false;
  $("#h-case").focus();
  $("#case").scrollIntoView();
}
