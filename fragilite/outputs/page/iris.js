
// --- inside the communes ------------------------------------------------------------------------
// This part goes only with pages of communes that are split in IRIS. It takes up one function of
// the page: a sheet says more.

const villes = data.villes;

/** IRIS of dwellings of a commune, the most fragile first: a sentence, a table, what to beware of. */
function ficheVilles(told, town) {
  const sheet = copie("modele-villes", told);
  const cell = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const heads = villes.chiffres.map((figure) => cell("th", figure.libelle));
  for (const head of heads) head.scope = "col";
  sheet.querySelector("thead tr").append(...heads);
  for (let row = told.de; row < told.a; row += 1) {
    const place = villes.classe[row];
    const copy = copie("modele-iris", {
      nom: villes.nom[row],
      population: ecrit(villes, "population", row),
      classe: place === null ? "" : villes.classes[place],
      indice: ecrit(villes, index.colonne, row),
    });
    copy.querySelector(".mesure").append(
      ...(index.plein > 0 ? [barre((100 * valeur(villes, index.colonne, row)) / index.plein)] : []),
    );
    copy.firstElementChild.append(...villes.chiffres.map((figure) => {
      const text = ecrit(villes, figure.code, row, figure.suffixe) ?? MISSING;
      return Object.assign(cell("td", text), { className: "n" });
    }));
    sheet.querySelector("tbody").append(copy);
  }
  traceSemis(sheet.querySelector(".semis"), told, town);
  sheet.querySelector("ul").append(...told.notes.map((place) => cell("li", villes.textes[place])));
  return sheet;
}

/** A mark for each IRIS on the scale of the index, and that of the commune. */
function traceSemis(drawn, told, town) {
  if (!drawn) return;
  const x = (level, row) => 2 * valeur(level, index.colonne, row) - 1;
  const mark = drawn.querySelector(".commune");
  for (let row = told.de; row < told.a; row += 1) {
    mark.before(svg("rect", { class: "iris", x: x(villes, row), y: 5, width: 2, height: 14 }));
  }
  if (valeur(towns, index.colonne, town) === null) mark.remove();
  else mark.setAttribute("x", x(towns, town));
}

const ficheSansVilles = ficheCommune;
ficheCommune = (row, former) => {
  const sheet = ficheSansVilles(row, former);
  const told = villes.communes[towns.code[row]];
  if (told) sheet.querySelector("[data-place=villes]").replaceChildren(ficheVilles(told, row));
  return sheet;
};
