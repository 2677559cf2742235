/** One picture: processor time by flow, the service beside the bare engine. */
import type { FlowFinding } from '../findings.ts';
import { number, times } from './numbers.ts';

const width = 860;
const left = 300;
const right = 150;
const rowHeight = 46;
const top = 56;

interface Bar {
  readonly label: string;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

/** A drawing that needs nothing but itself; readable on light and on dark. */
export function renderChart(flows: readonly FlowFinding[]): string {
  const bars = flows.flatMap(toBar);
  const longest = Math.max(1, ...bars.flatMap(({ ours, theirs }) => [ours, theirs]));
  const height = top + bars.length * rowHeight + 24;
  const scale = (value: number): number => (value / longest) * (width - left - right);
  const title =
    'Processor time by flow, without the hash of passwords: the service and the bare engine in memory';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="13">
<title>${escape(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<rect x="16" y="18" width="12" height="12" fill="#0f5c5c"/><text x="34" y="29" fill="#1a1a1a">service, durable in PostgreSQL</text>
<rect x="270" y="18" width="12" height="12" fill="#b8c4c4"/><text x="288" y="29" fill="#1a1a1a">bare engine, in memory</text>
${bars.map((bar, at) => drawBar(bar, top + at * rowHeight, scale)).join('\n')}
</svg>
`;
}

/** Without libuv's pool where passwords are hashed: the same hash on both sides would hide the rest. */
function toBar({ title, clients, service, yardsticks }: FlowFinding): Bar[] {
  const engine = yardsticks['engine in memory'];
  if (!engine) return [];
  const isHashing = service.poolUs > service.cpuUs / 2;
  const ours = service.cpuUs - (isHashing ? service.poolUs : 0);
  const theirs = engine.cpuUs - (isHashing ? engine.poolUs : 0);
  const { median } = isHashing ? engine.restRatio : engine.cpuRatio;
  return [{ label: `${title.replace(/ \(.*\)$/, '')}, ${clients} at once`, ours, theirs, ratio: median }];
}

function drawBar({ label, ours, theirs, ratio }: Bar, y: number, scale: (value: number) => number): string {
  const bar = (at: number, value: number, color: string): string =>
    `<rect x="${left}" y="${at}" width="${Math.max(1, scale(value)).toFixed(1)}" height="14" fill="${color}"/>` +
    `<text x="${(left + scale(value) + 6).toFixed(1)}" y="${at + 12}" fill="#1a1a1a">${number(value)} µs</text>`;
  return `<text x="${left - 10}" y="${y + 20}" text-anchor="end" fill="#1a1a1a">${escape(label)}</text>
${bar(y, ours, '#0f5c5c')}${bar(y + 16, theirs, '#b8c4c4')}
<text x="${width - 16}" y="${y + 20}" text-anchor="end" fill="#1a1a1a" font-weight="600">${times(ratio)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
