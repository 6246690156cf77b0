// --- who helps, and the roadmap -----------------------------------------------------------------
// This part goes only with pages that have places, or a roadmap. It takes up two functions of the
// page: a sheet says more, and the numbers of bases keep their size when the map is zoomed.

const aide = data.aide;
const route = data.route;

/** Places of a commune: how many, and the nearest where they have names. */
function ficheAide(row) {
  const near = aide.proches?.[row] ?? [];
  const sheet = copie("modele-aide", {
    dit: aide.textes[aide.dit[row]], code: towns.code[row], proches: near,
  });
  sheet.querySelector("ol").append(...near.map(([place, km, exact]) => {
    const [nom, commune, suite] = aide.lieux[place];
    return copie("modele-lieu", {
      nom, commune, suite: aide.suites[suite], distance: `${nombre(km, 1)}\u00a0km`,
      inexacte: exact ? "" : "oui",
    });
  }));
  return sheet;
}

/** Sectors of a commune, a column each. */
function ficheRoute(row) {
  const sheet = copie("modele-route", {});
  const columns = route.scenarios.flatMap((one) => one.communes[row].map((cells) => [one, cells]));
  sheet.querySelector("thead tr").append(...columns.map(([one, [sector, own]]) => {
    return copie("modele-secteur", {
      scenario: one.libelle, secteur: one.secteurs[sector], reserve: own ? route.reserve : "",
    });
  }));
  sheet.querySelector("tbody").append(...route.lignes.map((line, at) => {
    const copy = copie("modele-ligne", line);
    for (const [, [, , ...values]] of columns) {
      const text = line.nom ? towns.nom[values[at]] : chiffre(values[at], line);
      copy.firstElementChild.append(Object.assign(document.createElement("td"), {
        textContent: text, className: "n",
      }));
    }
    return copy;
  }));
  return sheet;
}

const chiffre = (value, { decimales, suffixe }) => {
  return value === null ? MISSING : nombre(value, decimales) + suffixe;
};

const ficheSeule = ficheCommune;
ficheCommune = (row, former) => {
  const sheet = ficheSeule(row, former);
  const parts = { aide: aide && ficheAide(row), route: route && ficheRoute(row) };
  for (const room of sheet.querySelectorAll("[data-suite]")) {
    room.replaceChildren(parts[room.dataset.suite]);
  }
  return sheet;
};

/** Borders and bases of the scenario that is shown, in place of the borders of EPCI. */
function montreSecteurs() {
  let some = false;
  for (const group of document.querySelectorAll("#dessin .secteurs")) {
    const shown = themes[group.dataset.theme] === theme;
    group.setAttribute("display", shown ? "inline" : "none");
    some ||= shown;
  }
  drawing.classList.toggle("par-secteur", some);
  if ($("traits-epci")) $("traits-epci").hidden = some;
}

const cadreSeul = cadre;
cadre = (box) => {
  cadreSeul(box);
  montreSecteurs();
  for (const base of document.querySelectorAll("#dessin .secteurs text")) {
    const { x, y } = base.dataset;
    base.setAttribute("transform", `translate(${x} ${y}) scale(${box.w / full.w})`);
  }
};

