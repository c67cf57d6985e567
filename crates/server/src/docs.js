"use strict";
// Lists the routes of openapi.json and sends requests. Text is only ever set as text.
const made = (name, props = {}, ...inside) => {
  const node = Object.assign(document.createElement(name), props);
  node.append(...inside);
  return node;
};

/** Something that fits a schema: enough to begin with. */
function example(schema, all, depth = 0) {
  if (schema === true || schema === undefined || depth > 6) return null;
  if (schema.$ref) return example(all[schema.$ref.split("/").pop()], all, depth + 1);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  const one = (schema.oneOf || schema.anyOf || [])[0];
  if (one) return example(one, all, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object": {
      const told = {};
      const needed = schema.required || [];
      for (const [name, inner] of Object.entries(schema.properties || {})) {
        if (needed.includes(name)) told[name] = example(inner, all, depth + 1);
      }
      return told;
    }
    case "array": return [];
    case "string": return "";
    case "boolean": return false;
    case "integer": case "number": return schema.minimum || 0;
    default: return null;
  }
}

/** What a body may hold, a line each. */
function fields(schema, all) {
  if (schema && schema.$ref) return fields(all[schema.$ref.split("/").pop()], all);
  if (schema && schema.anyOf) return fields(schema.anyOf[0], all);
  const needed = (schema && schema.required) || [];
  return Object.entries((schema && schema.properties) || {}).map(([name, inner]) => {
    const about = inner.description || "";
    return `${name}${needed.includes(name) ? "" : " (optional)"}: ${about}`;
  });
}

function route(document_, path, method, told) {
  const all = document_.components.schemas;
  const summary = made("summary", {},
    made("span", { className: "method", textContent: method.toUpperCase() }),
    made("code", { textContent: path }),
    made("span", { className: "about", textContent: told.summary }));
  const box = made("details", {}, summary);
  box.dataset.words = `${method} ${path} ${told.summary}`.toLowerCase();
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(form(document_, path, method, told, all));
  });
  return box;
}

function form(document_, path, method, told, all) {
  const table = made("table");
  const inputs = told.parameters.map((param) => {
    const words = param.schema.enum || (param.schema.type === "boolean" ? ["true", "false"] : null);
    const input = words
      ? made("select", {}, made("option", { value: "", textContent: "" }), ...words.map((word) => made("option", { textContent: word })))
      : made("input", { autocomplete: "off", required: param.required });
    input.setAttribute("aria-label", param.name);
    table.append(made("tr", {},
      made("td", {}, made("code", { textContent: param.name })),
      made("td", {}, input),
      made("td", { textContent: `${param.in === "query" ? "" : `(${param.in}) `}${param.description}` })));
    return [param, input];
  });
  const schema = told.requestBody && told.requestBody.content["application/json"].schema;
  const body = schema && made("textarea", { value: JSON.stringify(example(schema, all), null, 2), spellcheck: false });
  const out = made("pre", { hidden: true });
  const node = made("form", {}, table);
  if (body) {
    body.setAttribute("aria-label", "body");
    const lines = fields(schema, all);
    if (lines.length) node.append(made("pre", { textContent: lines.join("\n") }));
    node.append(body);
  }
  node.append(made("p", {}, made("button", { textContent: "Send" })), out);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    const headers = {};
    let at = path;
    for (const [param, input] of inputs) {
      if (input.value === "") continue;
      if (param.in === "path") at = at.replace(`{${param.name}}`, encodeURIComponent(input.value));
      else if (param.in === "header") headers[param.name] = input.value;
      else query.append(param.name, input.value);
    }
    const token = document.getElementById("token").value;
    if (token) headers.Authorization = `Bearer ${token}`;
    const request = { method: method.toUpperCase(), headers };
    if (body && body.value.trim() !== "") {
      headers["Content-Type"] = "application/json";
      request.body = body.value;
    }
    const asked = query.toString() ? `${at}?${query}` : at;
    out.hidden = false;
    out.textContent = "…";
    try {
      const answer = await fetch(document_.servers[0].url + asked, request);
      let text = await answer.text();
      try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* a text as it is */ }
      const told = ["etag", "location", "retry-after"].filter((name) => answer.headers.has(name));
      const head = told.map((name) => `${name}: ${answer.headers.get(name)}\n`).join("");
      out.textContent = `${answer.status} ${answer.statusText}\n${head}\n${text}`;
    } catch (error) {
      out.textContent = `no answer: ${error}`;
    }
  });
  return node;
}

async function main() {
  const main_ = document.getElementById("routes");
  const document_ = await (await fetch("openapi.json")).json();
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const tag = told.tags[0];
      if (!groups.has(tag)) groups.set(tag, made("section", {}, made("h2", { textContent: tag })));
      groups.get(tag).append(route(document_, path, method, told));
    }
  }
  main_.replaceChildren(...groups.values());
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase();
    for (const box of main_.querySelectorAll("details")) box.hidden = !box.dataset.words.includes(words);
    for (const group of groups.values()) group.hidden = !group.querySelector("details:not([hidden])");
  });
}

main().catch((error) => { document.getElementById("routes").textContent = `it cannot be shown: ${error}`; });
