/** The colours of the pages, made from the one the deployment has: whatever it is, text stays readable. */
import { luminance, textColorOn } from '../kernel/color.ts';

export interface Palette {
  readonly brand: string;
  readonly brandHover: string;
  readonly onBrand: string;
  /** The brand as text, and as the edge of what is filled with it. */
  readonly brandInk: string;
  readonly tint: string;
}

/** What text needs at least against what it stands on. @see WCAG 2.2, success criterion 1.4.3 */
const readable = 4.5;

/** In the light the brand is shown as it is; in the dark as much lighter as it has to be. */
export function palettesOf(color: string, cards: { readonly light: string; readonly dark: string }) {
  return {
    light: palette(color, { fill: color, card: cards.light }),
    dark: palette(color, { fill: readableOn(cards.dark, color), card: cards.dark }),
  };
}

function palette(color: string, { fill, card }: { fill: string; card: string }): Palette {
  const onBrand = textColorOn(fill);
  const tint = mix(card, color, 0.1);
  return {
    brand: fill,
    // away from the text on it, so that it stays readable
    brandHover: mix(fill, onBrand === '#ffffff' ? '#000000' : '#ffffff', 0.2),
    onBrand,
    brandInk: readableOn(tint, color),
    tint,
  };
}

/** From 1 to 21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The colour, as much darker or lighter as it must be to be read on `ground`. */
export function readableOn(ground: string, color: string): string {
  const end = textColorOn(ground);
  const steps = Array.from({ length: 21 }, (_, step) => mix(color, end, step / 20));
  return steps.find((step) => contrast(step, ground) >= readable) ?? end;
}

/** From `one` (share 0) to `other` (share 1). */
export function mix(one: string, other: string, share: number): string {
  const channels = [1, 3, 5].map((at) => {
    const [from, to] = [one, other].map((color) => parseInt(color.slice(at, at + 2), 16)) as [number, number];
    return Math.round(from + (to - from) * share)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${channels.join('')}`;
}
