
// --- inside the communes ------------------------------------------------------------------------
// This part goes only with pages of communes that are split in IRIS. It takes up one function of
// the page: a sheet says more.

const villes = data.villes;

/** IRIS of dwellings of a commune, the most fragile first: a sentence, a table, what to beware of. */
function ficheVilles(told) {
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
      classe: place === null ? "" : index.classes[place],
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
  sheet.querySelector("ul").append(...told.notes.map((place) => cell("li", villes.textes[place])));
  return sheet;
}

const ficheSansVilles = ficheCommune;
ficheCommune = (row, former) => {
  const sheet = ficheSansVilles(row, former);
  const told = villes.communes[towns.code[row]];
  if (told) sheet.querySelector("[data-place=villes]").replaceChildren(ficheVilles(told));
  return sheet;
};
