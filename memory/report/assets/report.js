'use strict';
(() => {
  const specs = JSON.parse(document.getElementById('specs').textContent);
  const views = new Map();
  const root = document.documentElement;
  const at = (id) => document.getElementById(id);

  // Themes: colours of charts are CSS variables, so nothing is drawn again and nothing is lost.
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches;
  const button = at('theme');
  const nameTheme = () => { button.textContent = isDark() ? 'Light theme' : 'Dark theme'; };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('palimpsest-theme', root.dataset.theme); } catch { /* the choice is not kept */ }
    nameTheme();
  });
  dark.addEventListener('change', nameTheme);
  nameTheme();

  // Charts
  const knows = (id, name) => (specs[id].params ?? []).some((param) => param.name === name);
  const lettersIn = (place) => Math.max(14, Math.min(60, Math.floor((place.clientWidth * 0.42) / 6.2)));

  const fitted = (spec, place) => {
    const room = place.clientWidth;
    const copy = structuredClone(spec);
    copy.config.legend.labelLimit = Math.max(140, room - 70);
    if (room < 560) copy.config.legend.columns = 1;
    for (const param of copy.params ?? []) if (param.name === 'letters') param.value = lettersIn(place);
    return copy;
  };

  const draw = async (id) => {
    const place = at(`chart-${id}`);
    const options = {
      renderer: 'svg', actions: false, ast: true,
      tooltip: { theme: 'page', disableDefaultStyle: true, offsetX: 12, offsetY: 12 },
    };
    try {
      const { view } = await vegaEmbed(place, fitted(specs[id], place), options);
      views.set(id, view);
      if (knows(id, 'focus')) view.addEventListener('click', (_, item) => focusOn(item?.datum?.layer));
    } catch (error) {
      place.textContent = 'This chart could not be drawn. Its data is in the table below.';
      place.classList.add('failed');
      console.error(`chart ${id}:`, error);
    }
  };

  const tell = (signals) => Promise.all([...views].map(([id, view]) => {
    const known = Object.entries(signals).filter(([name]) => knows(id, name));
    for (const [name, value] of known) view.signal(name, value);
    return known.length ? view.runAsync() : null;
  }));

  // One tensor in all charts
  const focus = at('focus');
  const focusOn = (name) => {
    if (!focus || name === undefined) return;
    const offered = [...focus.options].some((option) => option.value === name);
    focus.value = offered && focus.value !== name ? name : '';
    tell({ focus: focus.value });
  };
  focus?.addEventListener('change', () => tell({ focus: focus.value }));

  // One part of the log in all charts
  const since = at('since');
  const upto = at('upto');
  const whole = since && [Number(since.min), Number(upto.max)];
  const look = (from, to) => {
    const low = Math.max(whole[0], Math.min(from, to - 1));
    const high = Math.min(Math.max(to, low + 1), Math.max(whole[1], whole[0] + 1));
    return tell({ since: low, upto: high });
  };
  const fromFields = () => {
    const [from, to] = [since.valueAsNumber, upto.valueAsNumber];
    if (Number.isFinite(from) && Number.isFinite(to) && from < to) look(from, to);
  };
  const strip = () => {
    const view = views.get('strip');
    let waiting = 0;
    view?.addSignalListener('brush', (_, value) => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => {
        const [from, to] = value.position ?? whole;
        since.value = Math.round(from);
        upto.value = Math.round(to);
        look(from, to);
      });
    });
  };
  since?.addEventListener('change', fromFields);
  upto?.addEventListener('change', fromFields);
  at('whole')?.addEventListener('click', () => {
    [since.value, upto.value] = whole;
    views.get('strip')?.signal('brush_x', [0, 0]).runAsync();
    look(...whole);
  });

  const refit = () => {
    for (const [id, view] of views) {
      const letters = lettersIn(at(`chart-${id}`));
      if (knows(id, 'letters') && view.signal('letters') !== letters) view.signal('letters', letters).resize().runAsync();
    }
  };

  (async () => {
    for (const id of Object.keys(specs)) await draw(id);
    if (since) strip();
    addEventListener('resize', refit);
    root.dataset.charts = 'drawn';
  })();
})();
