/** Numbers as people read them. */
import type { Ratio } from '../measure/statistics.ts';

/** Three digits that count, and thousands apart. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 3) }).replaceAll(',', ' ');
}

export function ratio({ median, low, high }: Ratio): string {
  return `${times(median)} (${number(low)}–${number(high)})`;
}

export function times(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} ×` : '–';
}

export function mebibytes(bytes: number): string {
  return `${number(bytes / 2 ** 20)} MiB`;
}

export function ms(value: number): string {
  return `${number(value)} ms`;
}
