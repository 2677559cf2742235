import { createHash } from 'node:crypto';
import { type Palette, palettesOf } from './palette.ts';

export interface Stylesheet {
  readonly text: string;
  readonly path: string;
}

/** The one stylesheet, in the deployment's colour. Its name changes with its content, so that it can be kept for ever. */
export function createStylesheet(color: string): Stylesheet {
  const { light, dark } = palettesOf(color, cards);
  const text = `
:root {
  color-scheme: light dark;
  --ground: #f5f5f2; --card: ${cards.light}; --ink: #1b1f24; --soft: #5a626c; --line: #d9dbd6; --field: #767d86;
  --alarm: #9c2b1f; --alarm-tint: #fbeeec; --focus: #1d6fd6;
  ${variables(light)}
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #121518; --card: ${cards.dark}; --ink: #eceeee; --soft: #a9b1b8; --line: #32393f; --field: #7f8890;
    --alarm: #ffb4a8; --alarm-tint: #3a1d19; --focus: #8ec2ff;
    ${variables(dark)}
  }
}
${rules}`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { text, path: `/assets/doorward-${hash}.css` };
}

const cards = { light: '#ffffff', dark: '#1b2024' };

function variables({ brand, brandHover, onBrand, brandInk, tint }: Palette): string {
  return `--brand: ${brand}; --brand-hover: ${brandHover}; --on-brand: ${onBrand}; --brand-ink: ${brandInk}; --tint: ${tint};`;
}

const rules = `
* { box-sizing: border-box; }
html { font-size: 100%; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  padding: clamp(1rem, 6vh, 5rem) 1rem 2rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { width: 100%; max-width: 26.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem; padding: clamp(1.5rem, 6vw, 2.5rem); box-shadow: 0 1px 2px rgb(0 0 0 / .04), 0 12px 32px rgb(0 0 0 / .05); }
main.wide { max-width: 46rem; }
.tags a { display: inline-block; margin: 0 .75rem .25rem 0; }
.operation { border-top: 1px solid var(--line); padding: .625rem 0; }
.operation summary { cursor: pointer; }
.operation summary span { display: block; color: var(--soft); }
.operation h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
.operation dd { margin: 0 0 .5rem 1rem; }
pre { overflow-x: auto; background: var(--tint); padding: .75rem; border-radius: .5rem; font-size: .875rem; }
main { overflow-wrap: break-word; }
:lang(ja) { word-break: auto-phrase; line-break: strict; }
.brand { display: flex; align-items: center; gap: .625rem; margin: 0 0 1.75rem; font-weight: 600; color: var(--soft); }
.brand svg { width: 1.75rem; height: 1.75rem; color: var(--brand-ink); flex: none; }
.brand img { height: 2rem; width: auto; max-width: 9rem; object-fit: contain; flex: none; }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin: 2rem 0 .5rem; font-size: 1.0625rem; }
p { margin: 0 0 1rem; }
.lead { color: var(--soft); margin-bottom: 1.5rem; }
form { margin: 0; }
label { display: block; font-weight: 600; margin: 1rem 0 .375rem; }
input { width: 100%; font: inherit; color: inherit; background: var(--card); padding: .6875rem .8125rem;
  border: 1px solid var(--field); border-radius: .5rem; }
input[readonly] { background: var(--ground); color: var(--soft); }
input[aria-invalid=true] { border-color: var(--alarm); border-width: 2px; }
button, .button { display: block; width: 100%; font: inherit; font-weight: 600; text-align: center; cursor: pointer;
  text-decoration: none; padding: .75rem 1rem; border-radius: .5rem; border: 1px solid transparent; margin-top: 1.25rem; }
button { text-wrap: balance; }
button + button, form + form > button { margin-top: .75rem; }
.primary { background: var(--brand); color: var(--on-brand); border-color: var(--brand-ink); }
.primary:hover { background: var(--brand-hover); }
.secondary { background: transparent; color: var(--ink); border-color: var(--field); }
.secondary:hover { background: var(--tint); border-color: var(--brand-ink); }
.quiet { background: none; border: 0; color: var(--soft); font-weight: 500; padding: .5rem; margin-top: .5rem;
  text-decoration: underline; text-underline-offset: .2em; }
.quiet:hover { color: var(--ink); }
a { color: var(--brand-ink); text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.problem { background: var(--alarm-tint); color: var(--alarm); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 1rem; }
.problem p { margin: 0; }
.problem a { color: inherit; }
.problem p + p { color: var(--ink); margin-top: .5rem; }
.problem button { margin-top: .75rem; }
.or { color: var(--soft); text-align: center; margin: 1rem 0 0; }
.hint { color: var(--soft); font-size: .9375rem; margin: .5rem 0 0; }
summary { cursor: pointer; width: fit-content; margin: .75rem auto 0; padding: .5rem; border-radius: .5rem; color: var(--soft);
  font-weight: 500; list-style: none; text-decoration: underline; text-underline-offset: .2em; }
summary::-webkit-details-marker { display: none; }
summary:hover { color: var(--ink); }
.note { background: var(--tint); border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
.choices { list-style: none; margin: 0; padding: 0; }
.choices button { text-align: start; margin-top: .625rem; }
.social button { display: flex; align-items: center; justify-content: center; gap: .625rem; text-align: center; }
.social svg { width: 1.25rem; height: 1.25rem; flex: none; }
.pair { margin: 1.25rem 0; border: 1px solid var(--line); border-radius: .5rem; padding: .875rem 1rem; }
.pair dt { color: var(--soft); font-size: .9375rem; }
.pair dd { margin: 0; font-weight: 600; }
.pair dd + dt { margin-top: .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
.pair span { display: block; }
.remedies { padding-inline-start: 1.25rem; margin: 0 0 1rem; }
.remedies li { margin: .25rem 0; }
.case { color: var(--soft); font-size: .9375rem; border-top: 1px solid var(--line); margin: 1.5rem 0 0; padding-top: 1rem; }
code, .case strong { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9375em; overflow-wrap: anywhere; }
.help { color: var(--soft); font-size: .9375rem; border-top: 1px solid var(--line); margin: 1.5rem 0 0; padding-top: 1rem; }
.help a { margin-inline-end: .5rem; }
.case + .case, .case + .help { border: 0; margin: 0; padding-top: .5rem; }
.mail { border-top: 1px solid var(--line); margin-top: 1.5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: .9375rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.scopes { padding-inline-start: 1.25rem; margin: 0 0 1.5rem; }
.scopes li { margin: .375rem 0; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { text-align: start; vertical-align: top; padding: .5rem .5rem .5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td a { display: inline-block; padding-block: .25rem; margin-inline-end: .5rem; }
th { color: var(--soft); font-weight: 600; overflow-wrap: normal; }
.scroll { overflow-x: auto; }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: background-color .12s ease; } }
@media (max-width: 30rem) {
  body { padding: 0; background: var(--card); }
  main { border: 0; border-radius: 0; box-shadow: none; padding: 2rem 1.25rem; }
}
@media (prefers-contrast: more) {
  :root { --soft: var(--ink); --line: var(--ink); --field: var(--ink); }
  input, button, .button { border-width: 2px; }
}
@media print {
  body { padding: 0; background: none; }
  main { border: 0; box-shadow: none; padding: 0; }
  form, details, button, .button { display: none; }
}
@media (forced-colors: active) { button, .button { border-color: currentcolor; } }
`;
