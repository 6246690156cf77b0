
// --- what changed -------------------------------------------------------------------------------
// This part goes only with pages that have changes. It takes up two functions of the page: a sheet
// says more, and the map writes a change with its sign.

/** A change with its sign: the same rule as `fragilite.trend.wording.signed`. */
const signe = (value, decimals) => (value > 0 ? "+" : "") + nombre(value, decimals);

/** A cell of a column of changes, signed; null where it is missing. */
function cellule(column, row) {
  const whole = row === null || row === undefined ? null : column?.v[row];
  return whole === null || whole === undefined ? null : signe(whole / 10 ** column.d, column.d);
}

/** A value then or now, with its unit. */
function alors(column, row, figure) {
  const whole = column?.v[row] ?? null;
  return whole === null ? MISSING : nombre(whole / 10 ** column.d, column.d) + figure.suffixe;
}

/** The bounds of a change of a commune; nothing where it is exact, or missing. */
function bornes(figure, row) {
  const [low, high] = [cellule(figure.min, row), cellule(figure.max, row)];
  return low === high ? "" : `[${low}\u00a0;\u00a0${high}]`;
}

function ficheChange(row) {
  const sheet = copie("modele-change", {});
  remplis(sheet, "changements", "modele-changement", data.change.chiffres.map((figure) => ({
    libelle: figure.libelle,
    annees: figure.annees + (figure.unite && `, ${figure.unite}`),
    epci: cellule(figure.epci, towns.epci[row]),
    departement: cellule(figure.departement, towns.departement[row]),
    deux: `${alors(figure.avant, row, figure)}\u00a0→ ${alors(figure.apres, row, figure)}`,
    change: cellule(figure.change, row),
    bornes: bornes(figure, row),
    lecture: data.change.lectures[figure.lecture[row]] ?? "",
  })));
  return sheet;
}

const ficheSansChange = ficheCommune;
ficheCommune = (row, former) => {
  const sheet = ficheSansChange(row, former);
  sheet.querySelector("[data-place=change]").replaceChildren(ficheChange(row));
  return sheet;
};

const parleSansSigne = parle;
parle = (row) => {
  const change = valeur(towns, theme.colonne, row);
  if (theme.code !== "changement" || change === null) return parleSansSigne(row);
  const said = signe(change, towns.valeurs[theme.colonne].d);
  return `${towns.nom[row]} : ${said} – ${theme.classes[classe(theme, row)]}`;
};
