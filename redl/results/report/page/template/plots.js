"use strict";
// The plots of the group and the score that a reader chooses.

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
  const seeds = drawn(group).map((one) => ({
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

// Cases of a group, of each setting so many that a browser draws them at once and a reader can tell them apart.
const MOST_SEEDS = 10;

function drawn(group) {
  const counts = new Map();
  return records.filter((one) => {
    if (one.group !== group) return false;
    const count = (counts.get(one.case.setting) ?? 0) + 1;
    counts.set(one.case.setting, count);
    return count <= MOST_SEEDS;
  });
}

// The course of a seed that diverged must not flatten those of all others.
function cap(rows, name, note) {
  const sound = rows.filter((row) => !row.diverged && row[name] !== null).map((row) => row[name]);
  const known = rows.filter((row) => row[name] !== null).map((row) => row[name]);
  if (known.length === 0) return 1;
  const top = 1.05 * (sound.length ? sound : known).reduce((one, other) => Math.max(one, other));
  const above = known.filter((value) => value > top).length;
  const lost = rows.filter((row) => row[name] === null).length;
  const parts = [];
  if (above) parts.push(`Cut off above ${top.toPrecision(3)}, where ${above} of the points lie, all of diverged seeds.`);
  if (lost) parts.push(`Epochs whose loss is not finite, and so have no point: ${lost}.`);
  $(`[data-note="${note}"]`).textContent = parts.join(" ");
  return top;
}

function epochsOf(group) {
  return drawn(group).filter((one) => one.training?.trace.epoch).flatMap((one) => {
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
    "triangle-up": "M8 2l6 11h-12z", "triangle-down": "M8 14l6-11h-12z", "triangle-left": "M2 8l11-6v12z", "triangle-right": "M14 8l-11 6v-12z", wedge: "M8 2l3 12h-6z",
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
  const many = drawn(group).length < records.filter((one) => one.group === group).length;
  $("#seeds").textContent = many ? `Of each setting, ${MOST_SEEDS} seeds are drawn one by one; means are over all.` : "";
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
