import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId } from '../kernel/ids.ts';

/** What the engine keeps of a finished interaction and hands back when the browser resumes. */
export interface SignInResult {
  readonly login?: {
    readonly accountId: string;
    readonly ts: number;
    readonly amr: readonly string[];
    readonly acr: string;
    readonly evidence: readonly Evidence[];
    readonly account: AccountId;
  };
  readonly access?: { readonly account: AccountId };
}
