"use strict";
// The records of the page, and how its parts are found and made.

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
