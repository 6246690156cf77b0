// --- opening ------------------------------------------------------------------------------------

/** Print the sheet alone; the print of the browser gives the whole page. */
function imprime() {
  document.body.classList.add("fiche-seule");
  print();
}

function installeFiche() {
  $("fiche").addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "imprimer") imprime();
    if (action === "fermer") ferme();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) pars(link);
    if (link && link.hash === location.hash) lisAdresse();
  });
  addEventListener("hashchange", lisAdresse);
  addEventListener("afterprint", () => document.body.classList.remove("fiche-seule"));
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
}

for (const id of ["zone-recherche", "choix", "outils", "aide-clavier"]) $(id).hidden = false;
installeRecherche();
installeCarte();
installeTable();
installeFiche();
surveille(document);
colore();
lisAdresse();
