// Before anything is painted: the theme that was chosen last, where the browser keeps such things.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem('palimpsest-theme'); } catch { chosen = null; }
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
})();
