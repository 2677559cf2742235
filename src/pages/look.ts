/** How the pages of this deployment look: made once, when the service starts. */
import { createStylesheet, type Stylesheet } from './styles.ts';

export interface Brand {
  readonly name: string;
  /** #rrggbb */
  readonly color: string;
  readonly logoUrl: string | undefined;
  readonly supportUrl: string | undefined;
  readonly supportEmail: string | undefined;
}

export interface Look extends Brand {
  readonly stylesheet: Stylesheet;
}

export function createLook(brand: Brand): Look {
  return { ...brand, stylesheet: createStylesheet(brand.color) };
}

/**
 * The origin of an image, for `img-src`; undefined for what no page shows. A host may have a semicolon in it: it would
 * begin a directive of its own in the content security policy.
 */
export function imageOrigin(url: string | null | undefined): string | undefined {
  const origin = URL.parse(url ?? '')?.origin;
  return origin && /^https?:\/\/[\w.-]+(:\d+)?$/.test(origin) ? origin : undefined;
}
