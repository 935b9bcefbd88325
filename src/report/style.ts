/** Colours that people with any colour vision tell apart (after Okabe and Ito), in the light and in the dark. */
const LIGHT = `
  --page: #f4f5f7; --card: #fff; --ink: #16202e; --text: #4a5666; --grid: #e3e6eb; --axis: #9aa4b2; --line: #dfe3e8;
  --accent: #00568a; --hatch: rgba(255, 255, 255, .75); --bar: #9cc3dd; --good: #00664a; --bad: #a33b00;
  --c-done: #0072b2; --c-error: #d55e00; --c-timed_out: #a84f86; --c-canceled: #8b94a1; --c-running: #00876a;
  --c-pending: #d99000; --c-other: #4aa6d6;
  --h0: transparent; --h1: #e4eff6; --h2: #c6deec; --h3: #98c2dc; --h4: #5c9dc5; --h5: #00568a; --h-ink: #fff;`;
const DARK = `
  --page: #10151c; --card: #18202a; --ink: #eef2f7; --text: #b0bccb; --grid: #2a3441; --axis: #66738a; --line: #2c3744;
  --accent: #7cc0ee; --hatch: rgba(16, 21, 28, .65); --bar: #2f6186; --good: #5fd0a8; --bad: #ff9a5c;
  --c-done: #4aa3df; --c-error: #ff8540; --c-timed_out: #d98bbb; --c-canceled: #8d99a8; --c-running: #3cc29b;
  --c-pending: #f0b23e; --c-other: #8fd0f2;
  --h0: transparent; --h1: #1c2f3f; --h2: #21435c; --h3: #285c81; --h4: #3c83b4; --h5: #7cc0ee; --h-ink: #10151c;`;

/** The one style sheet of the page. */
export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; ${LIGHT} --page: #fff; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main, header, footer { max-width: 1360px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
footer { padding-top: 36px; padding-bottom: 48px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; }
h2 { font-size: 21px; line-height: 1.25; margin: 0 0 2px; }
h3, h4 { font-size: 16px; line-height: 1.3; margin: 0; }
h4 { font-size: 14px; }
p { margin: 0; max-width: 76ch; }
a { color: var(--accent); }
footer, nav, figure, details, table, .legend, .top, .card { font-size: 13px; }
.quiet, .about, .empty, .legend, .card, figcaption, caption, footer, dt, th, section > p, .block > p { color: var(--text); }
.lead, .verdict { font-size: 18px; margin-top: 10px; }
.about { overflow-wrap: anywhere; }
nav ul, .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 8px 0 0; }
section { margin-top: 44px; }
.cards, .pair, .three { display: grid; gap: 12px; margin-top: 14px; }
.cards { grid-template-columns: repeat(auto-fit, minmax(135px, 1fr)); }
.pair { grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 18px 36px; }
.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 18px 36px; }
.card, .block { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.block { padding: 18px 20px; margin-top: 14px; }
dd { margin: 0; overflow-wrap: anywhere; }
.card .big { font-size: 28px; line-height: 1.25; font-weight: 650; color: var(--ink); }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg.narrow { display: none; }
figure text { font-size: 12px; }
.patterns { position: absolute; }
.empty { padding: 10px 0 6px; }
.legend li { display: flex; align-items: center; gap: 6px; }
summary { color: var(--accent); cursor: pointer; width: max-content; padding: 4px 0; }
.scroll { overflow-x: auto; max-width: 100%; }
details .scroll { max-height: 340px; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 12px; padding: 2px 0 4px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); }
th { text-align: left; font-weight: 600; vertical-align: bottom; }
td { vertical-align: top; overflow-wrap: break-word; }
.n { text-align: right; white-space: nowrap; }
.wide-text { min-width: 220px; overflow-wrap: anywhere; }
code { font: 12px/1.5 ui-monospace, "SFMono-Regular", Menlo, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.ids { display: flex; flex-wrap: wrap; gap: 0 18px; min-width: 37ch; }
.heat table { table-layout: fixed; font-size: 12px; }
.heat th, .heat td { padding: 1px; text-align: center; text-transform: capitalize; border: 0; overflow-wrap: normal; }
.heat span { display: block; padding: 1px 0; }
.h1 { background: var(--h1); } .h2 { background: var(--h2); } .h3 { background: var(--h3); }
.h4 { background: var(--h4); color: #10151c; } .h5 { background: var(--h5); color: var(--h-ink); }
.top { list-style: none; padding: 0; margin: 6px 0 0; }
.top li { padding: 4px 0; }
.top svg { display: block; width: 100%; height: 6px; margin-top: 2px; }
.top .row { display: flex; justify-content: space-between; gap: 12px; align-items: baseline; }
.top .row > :last-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
.verdict { font-weight: 600; }
p.good { color: var(--good); } p.bad { color: var(--bad); }
.facts { margin: 14px 0 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 20px; }
.hidden, .heat caption, .block > .scroll caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 700px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  .card, .block { padding: 12px; }
  figure svg.wide { display: none; }
  figure svg.narrow { display: block; }
  .facts { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  main { zoom: .8; }
  main, header, footer { padding: 0; }
  nav, details { display: none; }
  section { margin-top: 22px; }
  .block { break-inside: avoid; }
  .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .top .row { flex-wrap: wrap; }
  figure svg.wide { display: none; }
  figure svg.narrow { display: block; }
  .heat span, .top svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, h3, section > p { break-after: avoid; }
}
`;
