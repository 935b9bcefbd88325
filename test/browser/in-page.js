// Runs in the page: what pages.ts asks of it.
({
  /** What reaches beyond the page, other than inside what scrolls by itself. */
  overflowing() {
    const { clientWidth, scrollWidth } = document.documentElement;
    const found = [...document.querySelectorAll('body *')].filter((element) => {
      const { left, right } = element.getBoundingClientRect();
      const isOut = right > clientWidth + 1 || left < -1;
      return isOut && element.closest('.scroll > *, svg, .hidden') === null;
    });
    const wide = scrollWidth > clientWidth ? [`the page is ${scrollWidth} pixels wide`] : [];
    return [...wide, ...found.map((element) => element.outerHTML.slice(0, 150))];
  },
  /** Elements that the page does not have by itself, one heading apart. */
  foreign: () => document.querySelectorAll('script, img, iframe, link, h1').length - 1,
  /** Of each figure: marks that can be seen in the drawing shown at this width, the height of its smallest text. */
  charts: () =>
    [...document.querySelectorAll('figure:not(.heat)')].map((figure) => {
      const svg = [...figure.querySelectorAll('svg')].find((one) => one.clientWidth > 0);
      const marks = [...(svg?.querySelectorAll('path') ?? [])].filter((path) => {
        const { width, height } = path.getBoundingClientRect();
        return /url\(|var\(--c-/.test(path.outerHTML) && width + height > 1;
      });
      const texts = [...(svg?.querySelectorAll('text') ?? [])];
      const heights = texts.map((text) => text.getBoundingClientRect().height);
      return { id: figure.id, marks: marks.length, least: Math.min(...heights) };
    }),
  /** The table of a figure, and the heights of its bars of jobs that are done. */
  bars(id) {
    const figure = document.getElementById(id);
    const rows = [...figure.querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent),
    );
    const bars = [...figure.querySelectorAll('svg.wide path[fill="url(#p-done)"]')];
    return { rows, heights: bars.map((bar) => bar.getBoundingClientRect().height) };
  },
  async violations() {
    const { violations } = await globalThis.axe.run();
    const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    return grave.flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`),
    );
  },
});
