"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const data = JSON.parse($("#records").textContent);
  const cases = new Map(data.cases.map((one) => [one.case.id, one]));
  const fields = new Map(data.fields.map((field) => [field.path, field]));
  const missing = "\u2013";

  // A case's own copy, in which numbers of shared sections are replaced by the sections.
  function record(one) {
    const found = { ...one };
    for (const [name, shared] of Object.entries(data.sections)) {
      if (found[name] !== null) found[name] = shared[found[name]];
    }
    return found;
  }

  const records = data.cases.map(record);
  const at = (found, path) => path.split(".").reduce((value, name) => (value === null ? null : value[name]), found);
  const inUnit = (path, value) => (value === null ? null : value / fields.get(path).per);

  // --- theme

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

  // --- plots

  const embedded = new Map();

  async function draw(name, datasets, words = {}, parameters = {}) {
    const place = $(`[data-chart="${name}"]`);
    const note = $(".empty", place.parentElement);
    const empty = Object.entries(datasets).every(([key, rows]) => key === "constant" || key === "ideal" || key === "tolerated" || rows.length === 0);
    embedded.get(name)?.finalize();
    embedded.delete(name);
    place.replaceChildren();
    note.hidden = !empty;
    place.hidden = empty;
    if (empty) {
      note.textContent = "Nothing to show: no case of this group has these figures.";
      return;
    }
    const filled = JSON.stringify(data.specifications[name], (_, value) => words[value] ?? value);
    const specification = { ...JSON.parse(filled), datasets };
    // Vega warns of a layer without data, whose extent it cannot know.
    specification.layer &&= specification.layer.filter((layer) => !layer.data || datasets[layer.data.name].length > 0);
    for (const parameter of specification.params ?? []) {
      if (parameter.name in parameters) parameter.value = parameters[parameter.name];
    }
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", $("figcaption", place.parentElement).textContent.trim());
    embedded.set(name, await vegaEmbed(place, specification, {
      actions: false, ast: true, defaultStyle: false, renderer: "svg", tooltip: { disableDefaultStyle: true },
    }));
  }

  function against(path, group, score) {
    const seeds = records.filter((one) => one.group === group).map((one) => ({
      setting: one.case.setting, seed: one.case.seed, x: inUnit(path, at(one, path)), y: at(one, score),
    })).filter((row) => row.x !== null && row.y !== null);
    const means = data.cells.filter((cell) => cell.group === group && cell.scores[score] && cell.costs[path] !== null)
      .map((cell) => ({
        setting: cell.setting, x: inUnit(path, cell.costs[path]), y: cell.scores[score].mean,
        low: cell.scores[score].low, high: cell.scores[score].high,
      }));
    const baseline = means.find((row) => row.setting === "baseline");
    const tolerated = baseline && score === "metrics.test.accuracy" ? [{ y: baseline.y - data.margin }] : [];
    return draw(path, { seeds, means, tolerated }, { "{score}": $("#score").selectedOptions[0].textContent });
  }

  // The course of a seed that diverged must not flatten those of all others.
  function cap(rows, name, note) {
    const sound = rows.filter((row) => !row.diverged && row[name] !== null).map((row) => row[name]);
    const known = rows.filter((row) => row[name] !== null).map((row) => row[name]);
    if (known.length === 0) return 1;
    const top = 1.05 * Math.max(...(sound.length ? sound : known));
    const above = known.filter((value) => value > top).length;
    const lost = rows.filter((row) => row[name] === null).length;
    const parts = [];
    if (above) parts.push(`${above} values of diverged seeds lie above ${top.toPrecision(3)} and are cut off.`);
    if (lost) parts.push(`${lost} values are not finite and have no point.`);
    $(`[data-note="${note}"]`).textContent = parts.join(" ");
    return top;
  }

  function epochsOf(group) {
    return records.filter((one) => one.group === group && one.training && one.training.trace.epoch).flatMap((one) => {
      const trace = one.training.trace;
      return trace.epoch.map((epoch, place) => ({
        setting: one.case.setting, seed: one.case.seed, epoch, diverged: Boolean(one.divergence?.ever),
        train_loss: trace.train_loss[place], valid_loss: trace.valid_loss[place], valid_accuracy: trace.valid_accuracy[place],
      }));
    });
  }

  function decisions(group) {
    const curves = data.decision.filter((one) => one.group === group);
    const decision = curves.flatMap((one) => one.threshold.map((threshold, place) => ({
      setting: one.setting, threshold, benefit: one.benefit[place],
    })));
    const first = curves.find((one) => one.threshold.length);
    const constant = first ? first.threshold.flatMap((threshold, place) => [
      { policy: "treat all", threshold, benefit: first.all[place] }, { policy: "treat none", threshold, benefit: 0 },
    ]) : [];
    const highest = Math.max(0, ...decision.map((row) => row.benefit));
    return draw("decision", { decision, constant }, {}, { low: -highest / 3 || -0.05 });
  }

  function legend(group) {
    const shapes = {
      circle: "M8 3a5 5 0 1 0 .01 0z", square: "M3 3h10v10h-10z", diamond: "M8 2l6 6-6 6-6-6z", cross: "M6 2h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
      "triangle-up": "M8 2l6 11h-12z", "triangle-down": "M8 14l6-11h-12z", "triangle-right": "M14 8l-11 6v-12z",
    };
    const svg = (tag, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    const settings = [...new Set(records.filter((one) => one.group === group).map((one) => one.case.setting))];
    const items = () => settings.map((setting) => {
      const look = data.looks[setting];
      const item = make("li");
      const drawing = svg("svg", { viewBox: "0 0 44 16", width: 44, height: 16, "aria-hidden": "true" });
      drawing.append(
        svg("path", { d: shapes[look.shape], fill: look.colour }),
        svg("path", { d: "M18 8h26", stroke: look.colour, "stroke-width": 2, "stroke-dasharray": look.dash.join(" ") }),
      );
      item.append(drawing, make("span", setting));
      return item;
    });
    for (const list of all(".legend")) list.replaceChildren(...items());
  }

  function numbers(group, score) {
    const [head, body] = [$("#numbers thead"), $("#numbers tbody")];
    const paths = Object.keys(data.cells[0]?.costs ?? {});
    const row = make("tr");
    row.append(...["setting", "seeds", "mean score", "lowest", "highest", ...paths.map((path) => fields.get(path).head)]
      .map((text) => make("th", text, { scope: "col" })));
    head.replaceChildren(row);
    body.replaceChildren(...data.cells.filter((cell) => cell.group === group).map((cell) => {
      const line = make("tr");
      const found = cell.scores[score];
      const write = (value) => (value === null || value === undefined ? missing : value.toFixed(3));
      line.append(make("th", cell.setting, { scope: "row" }), make("td", cell.seeds));
      for (const name of ["mean", "low", "high"]) {
        line.append(make("td", write(found?.[name]), { "data-group": group, "data-setting": cell.setting, "data-score": score, "data-statistic": name }));
      }
      line.append(...paths.map((path) => {
        const value = inUnit(path, cell.costs[path]);
        return make("td", value === null ? missing : value.toFixed(fields.get(path).digits), { "data-setting": cell.setting, "data-cost": path });
      }));
      return line;
    }));
  }

  async function plots() {
    const group = $("#group").value;
    const score = $("#score").value;
    const epochs = epochsOf(group);
    const tops = Object.fromEntries(["train_loss", "valid_loss"].map((name) => [name, cap(epochs, name, name)]));
    const finite = (name) => epochs.filter((row) => row[name] !== null);
    legend(group);
    numbers(group, score);
    await Promise.all([
      ...Object.keys(data.cells[0]?.costs ?? {}).map((path) => against(path, group, score)),
      draw("train_loss", { epochs: finite("train_loss") }, {}, { top: tops.train_loss }),
      draw("valid_loss", { epochs: finite("valid_loss") }, {}, { top: tops.valid_loss }),
      draw("valid_accuracy", { epochs: finite("valid_accuracy") }),
      draw("calibration", {
        calibration: data.calibration.filter((one) => one.group === group),
        ideal: [{ predicted: 0, observed: 0 }, { predicted: 1, observed: 1 }],
      }),
      decisions(group),
      past(group),
    ]);
    document.body.dataset.drawn = `${group} ${score} ${$("#figure")?.value ?? ""}`; // what tests wait for
  }

  function past(group) {
    const select = $("#figure");
    if (!select) return undefined;
    const per = select.selectedOptions[0].dataset.unit === "B" ? 1e6 : 1;
    const history = data.history.filter((one) => one.group === group && one.figure === select.value)
      .map((one) => ({ ...one, value: one.value / per }));
    const steps = history.filter((one) => one.step);
    return draw("history", { history, steps }, { "{figure}": select.selectedOptions[0].textContent });
  }

  // --- cases

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
      section("earlier_attempts", one.earlier_attempts.length ? one.earlier_attempts : null, "none"),
    );
    $("#case").hidden = false;
    $("#h-case").focus();
    $("#case").scrollIntoView();
  }

  theme();
  table();
  for (const id of ["#group", "#score", "#figure"]) $(id)?.addEventListener("change", plots);
  plots();
})();
