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

/** In the light the brand is shown as it is; in the dark in the same hue, as bright as it has to be. */
export function palettesOf(color: string, cards: { readonly light: string; readonly dark: string }) {
  return {
    light: palette(color, cards.light),
    dark: palette(brightOn(cards.dark, color), cards.dark),
  };
}

function palette(brand: string, card: string): Palette {
  const onBrand = textColorOn(brand);
  const tint = mix(card, brand, 0.1);
  return {
    brand,
    // away from the text on it, so that it stays readable
    brandHover: mix(brand, onBrand === '#ffffff' ? '#000000' : '#ffffff', 0.2),
    onBrand,
    brandInk: readableOn(tint, brand),
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

/** Mixed with white a colour turns grey; this one keeps its hue. */
function brightOn(ground: string, color: string): string {
  const { hue, saturation, lightness } = toHsl(color);
  for (let bright = lightness; bright < 1; bright += 0.02) {
    const found = fromHsl({ hue, saturation: Math.min(saturation, 0.45), lightness: bright });
    if (contrast(found, ground) >= 7) return found;
  }
  return '#ffffff';
}

interface Hsl {
  /** In turns of 60°. */
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

function toHsl(color: string): Hsl {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255) as [
    number,
    number,
    number,
  ];
  const [least, most] = [Math.min(r, g, b), Math.max(r, g, b)];
  const lightness = (least + most) / 2;
  const span = most - least;
  if (span === 0) return { hue: 0, saturation: 0, lightness };
  const saturation = span / (1 - Math.abs(2 * lightness - 1));
  if (most === r) return { hue: ((g - b) / span + 6) % 6, saturation, lightness };
  return { hue: most === g ? (b - r) / span + 2 : (r - g) / span + 4, saturation, lightness };
}

/** @see CSS Color Module Level 4, §7.1 */
function fromHsl({ hue, saturation, lightness }: Hsl): string {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channels = [0, 8, 4].map((turn) => {
    const at = (turn + hue * 2) % 12;
    const value = lightness - reach * Math.max(-1, Math.min(at - 3, 9 - at, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${channels.join('')}`;
}
