"use strict";
// The page is whole without this script: it adds the search, the sheets, the choice of the map and
// the order of the table. Words are in the page and its data; numbers alone are written here.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("donnees").textContent);
const towns = data.communes;
const groups = data.epci;
const MISSING = "–";

// --- numbers and texts --------------------------------------------------------------------------

const writers = new Map();

/** A number as French readers write it; a dash where it is missing. */
function nombre(value, decimals = 0) {
  if (value === null || value === undefined) return MISSING;
  if (!writers.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    writers.set(decimals, new Intl.NumberFormat("fr-FR", digits));
  }
  return writers.get(decimals).format(value).replace("-", "−");
}

const rang = (place) => (place === 1 ? "1er" : `${nombre(place)}e`);

/** The value of a column for a row, null where it is missing. */
function valeur(level, column, row) {
  const found = row === null || row === undefined ? undefined : level.valeurs[column];
  const whole = found ? found.v[row] : null;
  return whole === null || whole === undefined ? null : whole / 10 ** found.d;
}

/** The same, written; null where it is missing. */
function ecrit(level, column, row, suffix = "") {
  const value = valeur(level, column, row);
  return value === null ? null : nombre(value, level.valeurs[column].d) + suffix;
}

/** A name as people type it: the same rule as `fragilite.french.fold`. */
function plie(text) {
  const long = { st: "saint", ste: "sainte" };
  return text.replaceAll(/œ/gi, "oe").toLowerCase().normalize("NFKD").replaceAll(/\p{M}/gu, "")
    .split(/[^\p{L}\p{N}]+/u).filter(Boolean).map((word) => long[word] ?? word).join(" ");
}

// --- filling a template -------------------------------------------------------------------------

/** A copy of a template: texts, links, and what is hidden for want of a value. */
function copie(id, values) {
  const copy = $(id).content.cloneNode(true);
  for (const node of copy.querySelectorAll("[data-champ]")) {
    node.textContent = values[node.dataset.champ] ?? MISSING;
  }
  for (const node of copy.querySelectorAll("[data-lien]")) {
    node.href = `#${values[node.dataset.lien]}`;
  }
  for (const node of copy.querySelectorAll("[data-si]")) {
    const value = values[node.dataset.si];
    node.hidden = value === null || value === undefined || value === "" || value === false
      || (Array.isArray(value) && !value.length);
  }
  return copy;
}

function svg(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** A bar from 0 to 100, beside a number that says the same. */
function barre(share) {
  const box = { class: "barre", viewBox: "0 0 100 10", preserveAspectRatio: "none" };
  const bar = svg("svg", { ...box, "aria-hidden": "true" });
  const width = Math.max(0, Math.min(100, share));
  bar.append(svg("rect", { class: "fond", width: 100, height: 10 }));
  bar.append(svg("rect", { class: "plein", width, height: 10 }));
  return bar;
}

/** Rows of a table of a sheet, each from a template, with a bar where it has a share. */
function remplis(sheet, name, template, rows) {
  const body = sheet.querySelector(`[data-lignes=${name}] tbody`);
  if (!body) return;
  for (const row of rows) {
    const copy = copie(template, row);
    if (row.part !== null && row.part !== undefined) {
      copy.querySelector(".mesure").append(barre(row.part));
    }
    body.append(copy);
  }
}

// --- classes ------------------------------------------------------------------------------------

const themes = data.themes;
const index = themes[0];
let theme = index;

/** Class of a commune, decided before values were rounded; null where it has none. */
const classe = (shown, row) => shown.places[row] ?? null;

// --- the sheets ---------------------------------------------------------------------------------

/** Words of the place of a commune, of its index and of its people. */
function identite(row, former) {
  const value = valeur(towns, index.colonne, row);
  const group = towns.epci[row];
  const place = classe(index, row);
  return {
    nom: towns.nom[row],
    code: towns.code[row],
    ancienne: former,
    epci: group === null ? null : groups.nom[group],
    code_epci: group === null ? null : groups.code[group],
    departement: data.departements.nom[towns.departement[row]] ?? null,
    population: ecrit(towns, "population", row),
    indice: ecrit(towns, index.colonne, row),
    sans_indice: value === null,
    classe: place === null ? "" : index.classes[place],
    completude: ecrit(towns, "poids_observe", row),
    personnes: ecrit(towns, "personnes_a_accompagner", row),
    part_personnes: partPersonnes(row),
    place_france: ecrit(towns, "place_france", row),
    rang_sur: nombre(data.rang_sur),
    dernier: rang(data.rang_sur),
    ...rangs(row),
    ...certitude(row),
  };
}

/** The share of a commune among the people of the territory; a small one is not nothing. */
function partPersonnes(row) {
  const tiny = valeur(towns, "part_personnes", row) === 0
    && valeur(towns, "personnes_a_accompagner", row) > 0;
  return tiny ? data.presque_rien : ecrit(towns, "part_personnes", row, "\u00a0%");
}

function rangs(row) {
  const found = {};
  for (const name of ["rang", "rang_epci", "rang_departement", "rang_volume"]) {
    const place = valeur(towns, name, row);
    found[name] = place === null ? null : rang(place);
  }
  for (const name of ["sur_epci", "sur_departement"]) found[name] = ecrit(towns, name, row);
  return found;
}

/** The interval of the rank and the reading, which never goes without its caution. */
function certitude(row) {
  const reading = towns.lecture[row];
  const low = valeur(towns, "rang_min_90", row);
  const high = valeur(towns, "rang_max_90", row);
  const known = low !== null && high !== null;
  return {
    lecture: data.lectures[reading]?.libelle ?? null,
    suite: data.lectures[reading]?.suite ?? null,
    rang_min: known && low !== high ? rang(low) : null,
    rang_max: known ? rang(high) : null,
    proba: fois("fois_donnees", row),
    scenarios: fois("fois_choix", row),
  };
}

/** A share read as « n times out of 100 », with a decimal only where it has one. */
const fois = (column, row) => ecrit(towns, column, row)?.replace(/,0$/, "") ?? null;

/** A figure of a commune beside its EPCI, its département and France. */
function grandeur(figure, row) {
  const shown = ecrit(towns, figure.code, row, figure.suffixe);
  const smoothed = ecrit(towns, `${figure.code}_lisse`, row, figure.suffixe);
  return {
    libelle: figure.libelle,
    valeur: shown,
    epci: ecrit(groups, figure.code, towns.epci[row], figure.suffixe),
    departement: ecrit(data.departements, figure.code, towns.departement[row], figure.suffixe),
    france: figure.france,
    millesime: figure.millesime,
    lisse: smoothed === shown ? null : smoothed,
    retire: figure.compte === false,
  };
}

/** Indicators, those that weigh the most first; a bar is a share of the heaviest. */
function indicateurs(row) {
  const rows = data.indicateurs.map((figure) => {
    const points = valeur(towns, `${figure.code}_contribution`, row);
    return { ...grandeur(figure, row), brut: points, points: nombre(points, 1) };
  });
  const most = Math.max(...rows.map((one) => one.brut ?? 0));
  for (const one of rows) one.part = most > 0 && one.brut !== null ? (100 * one.brut) / most : null;
  return rows.sort((a, b) => (b.brut ?? -1) - (a.brut ?? -1));
}

function noeuds(level, row, group, department) {
  const nodes = themes.filter((one) => one.rayon === 0);
  return nodes.filter((one) => valeur(level, one.colonne, row) !== null).map((one) => ({
    libelle: one.libelle,
    valeur: ecrit(level, one.colonne, row),
    epci: group === undefined ? null : ecrit(groups, one.colonne, group) ?? MISSING,
    departement: department === undefined
      ? null : ecrit(data.departements, one.colonne, department) ?? MISSING,
    part: one.plein > 0 ? (100 * valeur(level, one.colonne, row)) / one.plein : null,
  }));
}

/** Everything there is to say of a commune. */
function ficheCommune(row, former) {
  const counted = indicateurs(row);
  const additive = counted.some((one) => one.brut !== null);
  const shown = (list) => list.map((one) => grandeur(one, row)).filter((one) => one.valeur);
  const parts = {
    indicateurs: counted,
    sous_indices: noeuds(towns, row, towns.epci[row], towns.departement[row]),
    contexte: shown(data.contexte),
    effectifs: shown(data.effectifs),
    notes: towns.notes[row],
  };
  const sheet = copie("modele-commune", {
    ...identite(row, former),
    ...parts,
    total: additive ? ecrit(towns, index.colonne, row) : null,
    sans_contribution: !additive && valeur(towns, index.colonne, row) !== null,
  });
  for (const name of ["indicateurs", "contexte", "effectifs"]) {
    remplis(sheet, name, "modele-grandeur", parts[name]);
  }
  remplis(sheet, "sous_indices", "modele-noeud", parts.sous_indices);
  const list = sheet.querySelector("[data-lignes=notes]");
  for (const place of parts.notes) {
    list.append(Object.assign(document.createElement("li"), { textContent: data.notes[place] }));
  }
  traceIntervalle(sheet, row);
  return sheet;
}

/** The interval as a line from the first rank to the last. */
function traceIntervalle(sheet, row) {
  const low = valeur(towns, "rang_min_90", row);
  if (low === null) return;
  const step = 200 / Math.max(data.rang_sur, 1);
  const at = (place) => (place - 1) * step;
  const high = valeur(towns, "rang_max_90", row);
  const bar = sheet.querySelector(".intervalle .etendue");
  bar.setAttribute("x", at(low));
  bar.setAttribute("width", Math.max(at(high) + step - at(low), 2));
  sheet.querySelector(".intervalle .point")
    .setAttribute("x", at(valeur(towns, "rang", row)) + step / 2 - 1);
}

/** Communes of an EPCI, the most fragile first, those without an index last. */
function membres(group) {
  const rows = towns.code.map((_, row) => row).filter((row) => towns.epci[row] === group);
  const place = (row) => valeur(towns, "rang", row) ?? Infinity;
  return rows.sort((a, b) => place(a) - place(b) || a - b);
}

function ficheEpci(group) {
  const place = groups.classe[group];
  const home = groups.departement[group];
  const rank = valeur(groups, "rang", group);
  const nodes = noeuds(groups, group, undefined, home ?? undefined);
  const sheet = copie("modele-epci", {
    nom: groups.nom[group],
    remarque: groups.remarque[group],
    communes: ecrit(groups, "communes", group),
    population: ecrit(groups, "population", group),
    indice: ecrit(groups, index.colonne, group),
    classe: place === null ? "" : index.classes[place],
    personnes: ecrit(groups, "personnes_a_accompagner", group),
    rang: rank === null ? null : rang(rank),
    rang_sur: ecrit(groups, "rang_sur", group),
    departement: home === null ? null : data.departements.nom[home],
    sous_indices: nodes,
  });
  remplis(sheet, "sous_indices", "modele-noeud", nodes);
  remplis(sheet, "membres", "modele-membre", membres(group).map((row) => ({
    nom: towns.nom[row],
    code: towns.code[row],
    valeur: ecrit(towns, index.colonne, row) ?? MISSING,
    part: index.plein > 0 ? (100 * (valeur(towns, index.colonne, row) ?? 0)) / index.plein : null,
  })));
  return sheet;
}

// --- what is selected: the fragment of the address ----------------------------------------------

const byCode = new Map(towns.code.map((code, row) => [code, row]));
const byEpci = new Map(groups.code.map((code, row) => [code, row]));
const byFormer = new Map(data.anciennes.map((former) => [former[1], former]));
let asked = "";
/** What opened the sheet, and where the window showed it: closing goes back there. */
let left = null;

/** The fragment of the address; an ill-formed one as it is written. */
function fragment() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Show what the address names: a commune, an EPCI, a commune by its former code, or nothing. */
function lisAdresse() {
  const code = fragment();
  const row = byCode.get(code);
  const group = byEpci.get(code);
  const known = row !== undefined || group !== undefined;
  if (!known && byFormer.has(code)) return suisAncienne(code);
  if (!known && code && $(code)) return;  // a part of the page: the sheet stays as it is
  $("code-inconnu").hidden = known || !code;
  if (!known) return rien(code);
  const former = asked;
  asked = "";
  montre(row === undefined ? ficheEpci(group) : ficheCommune(row, former));
  choisis(row ?? null, row === undefined ? group : towns.epci[row]);
}

/** A former code gives way to the code of today, without a step more for the Back button. */
function suisAncienne(code) {
  const [name, , row] = byFormer.get(code);
  asked = name;
  history.replaceState(null, "", `#${towns.code[row]}`);
  lisAdresse();
}

/** No sheet, and the reader back where they were; an unknown code is said. */
function rien(code) {
  $("code-inconnu").querySelector("[data-code]").textContent = code;
  const open = !$("fiche").hidden;
  $("fiche").hidden = true;
  $("recherche").value = "";
  choisis(null, null);
  if (open) reviens();
  if (code) $("code-inconnu").scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** Note where a sheet is asked from; a link inside a sheet is no new place. */
function pars(node) {
  if (!$("fiche").contains(node)) left = { node, top: node.getBoundingClientRect().top };
}

/** Go back to what opened the sheet, at the height where it was; else to the search. */
function reviens() {
  const { node, top } = left ?? { node: $("recherche"), top: null };
  left = null;
  node.focus({ preventScroll: true });
  const again = () => {
    const box = node.getBoundingClientRect();
    if (top === null || !box.height) return;  // a row that the filter has hidden is nowhere
    scrollBy({ top: box.top - top, behavior: "instant" });
  };
  again();
  requestAnimationFrame(again);  // the browser has its own idea of the height, after Back
}

function montre(sheet) {
  const room = $("fiche");
  widths.disconnect();
  room.replaceChildren(sheet);
  surveille(document);
  room.hidden = false;
  const title = room.querySelector("h2");
  room.setAttribute("aria-label", title.textContent);
  title.focus({ preventScroll: true });
  const top = room.getBoundingClientRect().top;
  if (top < 0 || top > innerHeight / 2) room.scrollIntoView({ block: "start" });
}

function ferme() {
  history.replaceState(null, "", location.pathname + location.search);
  lisAdresse();
}

function ouvre(code, from, former = "") {
  asked = former;
  pars(from);
  if (location.hash === `#${code}`) lisAdresse();
  else location.hash = code;
}

// --- the search ---------------------------------------------------------------------------------

const MOST = 8;

/** Everything that can be found, with the name it is found by. */
function repertoire() {
  const entries = towns.nom.map((nom, row) => ({
    nom,
    code: towns.code[row],
    detail: [towns.code[row], groups.nom[towns.epci[row]]].filter(Boolean).join(" · "),
    ancienne: "",
  }));
  groups.nom.forEach((nom, row) => {
    entries.push({ nom, code: groups.code[row], detail: groups.libelle, ancienne: "" });
  });
  for (const [nom, code, row] of data.anciennes) {
    const detail = `→ ${towns.nom[row]} · ${towns.code[row]}`;
    entries.push({ nom, code: towns.code[row], alias: code, detail, ancienne: nom });
  }
  return entries.map((entry) => ({ ...entry, plie: plie(entry.nom) }));
}

/** How well an entry answers: the whole name, its beginning, a word's, a part; null if not. */
function note(entry, wanted) {
  if (entry.plie === wanted) return 0;
  if (entry.code.toLowerCase() === wanted || entry.alias?.toLowerCase() === wanted) return 0;
  if (entry.plie.startsWith(wanted)) return 1;
  if (` ${entry.plie}`.includes(` ${wanted}`)) return 2;
  if (entry.code.toLowerCase().startsWith(wanted)) return 3;
  return wanted.length > 2 && entry.plie.includes(wanted) ? 4 : null;
}

function cherche(entries, text) {
  const wanted = plie(text);
  if (!wanted) return [];
  return entries.map((entry) => ({ entry, note: note(entry, wanted) }))
    .filter((one) => one.note !== null)
    .sort((a, b) => a.note - b.note || Boolean(a.entry.ancienne) - Boolean(b.entry.ancienne)
      || a.entry.nom.localeCompare(b.entry.nom, "fr"))
    .slice(0, MOST).map((one) => one.entry);
}

/** A combobox: typing proposes, arrows move, Enter opens, Escape closes. */
function installeRecherche() {
  const input = $("recherche");
  const list = $("propositions");
  const entries = repertoire();
  let found = [];
  let at = -1;

  const hide = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const mark = (place) => {
    at = place;
    [...list.children].forEach((node, row) => node.setAttribute("aria-selected", row === at));
    input.setAttribute("aria-activedescendant", `proposition-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const take = (entry) => {
    hide();
    input.value = entry.nom;
    ouvre(entry.code, input, entry.ancienne);
  };
  const propose = () => {
    found = cherche(entries, input.value);
    list.replaceChildren(...found.map((entry, row) => {
      const option = copie("modele-proposition", entry).firstElementChild;
      option.id = `proposition-${row}`;
      option.setAttribute("aria-selected", "false");
      return option;
    }));
    at = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    $("recherche-vide").hidden = found.length > 0 || !plie(input.value);
    const count = $("recherche-nombre");
    count.textContent = found.length === 1
      ? count.dataset.un : `${found.length} ${count.dataset.plusieurs}`;
  };
  const keys = {
    ArrowDown: () => found.length && mark((at + 1) % found.length),
    ArrowUp: () => found.length && mark((at + found.length - (at < 0 ? 0 : 1)) % found.length),
    Enter: () => found.length && take(found[Math.max(at, 0)]),
    Escape: hide,
  };

  input.addEventListener("input", propose);
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", hide);
  input.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    if (list.hidden && event.key !== "Escape") propose();
    keys[event.key]();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());  // keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(found[[...list.children].indexOf(option)]);
  });
}

// --- the map ------------------------------------------------------------------------------------

const drawing = $("dessin");
const shapes = [...$("communes").children];
const whole = drawing.viewBox.baseVal;
const full = { x: 0, y: 0, w: whole.width, h: whole.height };
let frame = full;
let chosen = null;
let chosenGroup = null;
let active = null;

/** Colour the communes, or draw circles, and show the legend of the choice. */
function colore() {
  const circles = theme.rayon > 0;
  shapes.forEach((shape, row) => shape.setAttribute("fill", couleur(row, circles)));
  dessineCercles(circles);
  for (const legend of document.querySelectorAll(".legende")) {
    legend.hidden = themes[legend.dataset.theme] !== theme;
  }
  shapes.forEach((shape, row) => shape.setAttribute("aria-label", parle(row)));
  cadre(frame);
}

function couleur(row, circles) {
  const known = valeur(towns, theme.colonne, row) !== null;
  if (!known) return "url(#hachures)";
  const place = classe(theme, row);
  return circles || place === null ? "#f3f2f5" : theme.couleurs[place];
}

function dessineCercles(circles) {
  const rows = circles ? towns.code.map((_, row) => row).filter((row) => towns.centre[row]) : [];
  const size = (row) => valeur(towns, theme.colonne, row) ?? 0;
  rows.sort((a, b) => size(b) - size(a));
  $("cercles").replaceChildren(...rows.filter((row) => size(row) > 0).map((row) => {
    const [cx, cy] = towns.centre[row];
    return svg("circle", { cx, cy, "data-commune": row });
  }));
}

/** What a commune says of itself on the map: name, value, class. */
function parle(row) {
  const place = classe(theme, row);
  const value = ecrit(towns, theme.colonne, row, theme.suffixe) ?? theme.manque;
  const word = place === null ? "" : ` – ${theme.classes[place]}`;
  return `${towns.nom[row]} : ${value}${word}`;
}

/** Look at a part of the map; circles and their scale keep their size on the screen. */
function cadre(box) {
  frame = box;
  const circles = theme.rayon > 0;
  const zoom = box.w / full.w;
  const scale = $("echelle");
  const band = circles && scale ? bande(scale) * zoom : 0;
  drawing.setAttribute("viewBox", `${box.x} ${box.y} ${box.w} ${box.h + band}`);
  drawing.setAttribute("height", full.h + band / zoom);
  for (const circle of $("cercles").children) {
    const value = valeur(towns, theme.colonne, Number(circle.dataset.commune));
    circle.setAttribute("r", Math.max(theme.rayon * Math.sqrt(value), 4) * zoom);
  }
  if (!scale) return;
  scale.setAttribute("display", circles ? "inline" : "none");
  scale.setAttribute("transform", `translate(${box.x} ${box.y + box.h}) scale(${zoom})`);
}

/** Height of the scale of the circles. */
const bande = (scale) => 2 * Number(scale.querySelector("circle").getAttribute("r")) + 30;

/** The box of some communes, with a margin, in the proportions of the map. */
function boite(rows) {
  const boxes = rows.map((row) => shapes[row].getBBox()).filter((box) => box.width);
  if (!boxes.length) return full;
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const width = Math.min(1.15 * Math.max(right - left, (bottom - top) * (full.w / full.h)), full.w);
  const height = width * (full.h / full.w);
  return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, w: width, h: height };
}

function choisis(row, group) {
  chosen = row;
  chosenGroup = group;
  $("choisie").setAttribute("d", row === null ? "" : shapes[row].getAttribute("d") ?? "");
  const border = group === null ? null : $("limites").children[group];
  $("voisinage").setAttribute("d", border?.getAttribute("d") ?? "");
  shapes.forEach((shape, place) => shape.setAttribute("aria-selected", place === row));
  for (const line of document.querySelectorAll("#communes-table tbody tr")) {
    line.classList.toggle("choisie", row !== null && codeDe(line) === towns.code[row]);
  }
  $("zoom").hidden = group === null;
  if (frame !== full) zoome(group === null ? "tout" : "epci");
  if (row !== null) active = row;
}

function zoome(what) {
  const near = what === "epci" && chosenGroup !== null;
  cadre(near ? boite(membres(chosenGroup)) : full);
  for (const button of $("zoom").children) button.hidden = (button.dataset.zoom === "epci") === near;
}

/** Show a commune's words beside a point of the window. */
function survole(row, x, y) {
  const bubble = $("infobulle");
  bubble.hidden = row === null;
  $("active").setAttribute("d", row === null ? "" : shapes[row].getAttribute("d") ?? "");
  if (row === null) return;
  bubble.textContent = parle(row);
  const room = $("cadre").getBoundingClientRect();
  const width = bubble.offsetWidth;
  const left = Math.max(0, Math.min(x - room.left + 14, room.width - width));
  bubble.style.left = `${left}px`;
  bubble.style.top = `${Math.max(y - room.top - bubble.offsetHeight - 12, 0)}px`;
}

function communeSous(event) {
  const circle = event.target.closest("[data-commune]");
  const row = circle ? Number(circle.dataset.commune) : shapes.indexOf(event.target);
  return row < 0 ? null : row;
}

const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/** The nearest commune in a direction, sideways steps counting twice. */
function voisine(row, [dx, dy]) {
  const [x, y] = towns.centre[row];
  let best = row;
  let least = Infinity;
  towns.centre.forEach((centre, other) => {
    if (!centre || other === row) return;
    const along = (centre[0] - x) * dx + (centre[1] - y) * dy;
    const aside = Math.abs((centre[0] - x) * dy) + Math.abs((centre[1] - y) * dx);
    if (along <= 0 || aside > along * 1.5) return;
    const far = along + 2 * aside;
    if (far < least) [best, least] = [other, far];
  });
  return best;
}

/** The first commune of the map, by rank. */
function premiere() {
  const rows = towns.code.map((_, row) => row).filter((row) => towns.centre[row]);
  const place = (row) => valeur(towns, "rang", row) ?? Infinity;
  return rows.length ? rows.reduce((a, b) => (place(b) < place(a) ? b : a)) : null;
}

function designe(row) {
  if (row === null) return;
  active = row;
  drawing.setAttribute("aria-activedescendant", `forme-${row}`);
  const box = shapes[row].getBoundingClientRect();
  survole(row, box.left + box.width / 2, box.top);
}

/** One stop for the keyboard: arrows go from a commune to its neighbour, Enter opens it. */
function installeCarte() {
  drawing.setAttribute("role", "listbox");
  drawing.setAttribute("tabindex", "0");
  shapes.forEach((shape, row) => {
    shape.setAttribute("role", "option");
    shape.id = `forme-${row}`;
  });
  drawing.addEventListener("focus", () => {
    if (drawing.matches(":focus-visible")) designe(active ?? premiere());
  });
  drawing.addEventListener("blur", () => survole(null));
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") survole(null);
    if ((event.key === "Enter" || event.key === " ") && active !== null) ouvre(towns.code[active], drawing);
    else if (event.key === "Home") designe(premiere());
    else if (event.key in ARROWS && active !== null) designe(voisine(active, ARROWS[event.key]));
    else return;
    event.preventDefault();
  });
  drawing.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") survole(communeSous(event), event.clientX, event.clientY);
  });
  drawing.addEventListener("pointerleave", () => survole(null));
  drawing.addEventListener("click", (event) => {
    const row = communeSous(event);
    if (row !== null) ouvre(towns.code[row], drawing);
  });
  $("choix").addEventListener("change", (event) => {
    theme = themes[event.target.value];
    colore();
  });
  $("zoom").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    zoome(button.dataset.zoom);
    $("zoom").querySelector("button:not([hidden])").focus();
  });
}

// --- the table ----------------------------------------------------------------------------------

const lines = [...document.querySelectorAll("#communes-table tbody tr")];
const codeDe = (line) => line.querySelector("a").hash.slice(1);

/** What a column is ordered by: a number, or a text. */
function cle(column, row) {
  if (column === "nom") return towns.nom[row];
  if (column === "nom_epci") return groups.nom[towns.epci[row]] ?? null;
  if (column === "classe") return classe(index, row);
  return valeur(towns, column, row);
}

/** Order the rows; those without a value stay last; equal ones keep the order of the ranks. */
function trie(header) {
  const ascending = header.getAttribute("aria-sort") === "descending"
    || (header.getAttribute("aria-sort") === null && croissant(header.dataset.colonne));
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const keys = new Map(lines.map((line) => {
    return [line, cle(header.dataset.colonne, byCode.get(codeDe(line)))];
  }));
  const sign = ascending ? 1 : -1;
  const sorted = [...lines].sort((a, b) => compare(keys.get(a), keys.get(b), sign));
  document.querySelector("#communes-table tbody").append(...sorted);
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "string" ? a.localeCompare(b, "fr") : a - b);
}

/** A first click gives names from A, ranks from the first, and quantities from the largest. */
function croissant(column) {
  return ["nom", "nom_epci", "rang", "rang_min_90"].includes(column);
}

/** What a row is found by: names and codes of today and of before, and its EPCI. */
function mots() {
  const words = towns.nom.map((nom, row) => [nom, towns.code[row], groups.nom[towns.epci[row]]]);
  for (const [nom, code, row] of data.anciennes) words[row].push(nom, code);
  return words.map((some) => some.filter(Boolean).map((word) => ` ${plie(word)}`).join(" |"));
}

const searched = mots();

function filtre() {
  const wanted = plie($("filtre").value);
  let shown = 0;
  for (const line of lines) {
    line.hidden = !searched[byCode.get(codeDe(line))].includes(` ${wanted}`);
    shown += line.hidden ? 0 : 1;
  }
  $("compte").firstElementChild.textContent = nombre(shown);
  $("table-vide").hidden = shown > 0;
}

function installeTable() {
  for (const header of document.querySelectorAll("#communes-table thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => trie(header));
  }
  $("filtre").addEventListener("input", filtre);
}

// --- tables wider than the screen ---------------------------------------------------------------

/** A table that fits is no stop of the keyboard, and its header may stay in view. */
const widths = new ResizeObserver((changes) => {
  for (const box of new Set(changes.map((one) => one.target.closest(".defile")))) mesure(box);
});

function mesure(box) {
  const fits = box.firstElementChild.offsetWidth <= box.clientWidth;
  box.classList.toggle("entier", fits);
  if (fits) box.removeAttribute("tabindex");
  else box.setAttribute("tabindex", "0");
}

function surveille(part) {
  for (const box of part.querySelectorAll(".defile")) {
    widths.observe(box);
    widths.observe(box.firstElementChild);
  }
}

