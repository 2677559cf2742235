import type { DenialCode } from '../decide.ts';
import type { RemedyTexts } from '../remedies.ts';

/** How the account and the product are spoken of: by name, or in general where the name is not known. */
export interface Names {
  readonly account: string;
  readonly product: string;
}

/** Why access is refused, in one language. Remedies stand in the order of remedies.ts. */
export interface DenialTexts {
  /** Made to fit wherever the texts below put them, articles and cases included. */
  readonly names: (known: Partial<Names>) => Names;
  readonly signUp: string;
  readonly denials: {
    readonly [Code in DenialCode]: (names: Names) => {
      readonly title: string;
      readonly text: string;
      readonly remedies: RemedyTexts<Code>;
    };
  };
}
