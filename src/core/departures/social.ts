import type { Context, Tx } from '../../context.ts';
import { open, seal } from '../../kernel/seal.ts';
import { addSeconds } from '../../kernel/time.ts';
import { hashToken } from '../../kernel/tokens.ts';
import type { SocialProvider } from '../identities/identities.ts';
import type { OwnLink } from '../linking/linking.ts';
import { departureSeconds } from './lifetimes.ts';
import {
  consumeSocialRow,
  findSocialRow,
  insertSocialDeparture,
  type SocialRow,
  updateAnswer,
} from './social-queries.ts';

/** What is remembered of a departure to a provider, sealed. */
export interface SocialLuggage {
  /** The interaction to go back to; or the invitation that is to be accepted, by its token; or who links what they bring. */
  readonly uid?: string;
  readonly invitation?: string;
  readonly link?: OwnLink;
  readonly clientId?: string;
  readonly nonce?: string;
  readonly codeVerifier?: string;
  readonly notBefore?: string;
  readonly forceAuthn: boolean;
  readonly maxAge?: number;
}

export interface SocialDeparture {
  readonly provider: SocialProvider;
  readonly browserHash: Buffer;
  readonly luggage: SocialLuggage;
  /** What the provider has posted, as pairs; undefined where it answers in the address. */
  readonly answer: readonly (readonly [string, string])[] | undefined;
}

export interface NewSocialDeparture {
  readonly token: string;
  readonly provider: SocialProvider;
  /** The value of the browser's cookie. */
  readonly browser: string;
  readonly luggage: SocialLuggage;
}

export async function storeSocialDeparture(tx: Tx, departure: NewSocialDeparture): Promise<void> {
  const { token, provider, browser, luggage } = departure;
  const idHash = hashToken(token);
  await insertSocialDeparture(tx, {
    idHash,
    provider,
    browserHash: hashToken(browser),
    sealed: seal(tx.config.secretKeys, JSON.stringify(luggage), placeOf(idHash)),
    expiresAt: addSeconds(tx.now(), departureSeconds),
  });
}

/** One that has not come back yet. Consumes nothing. */
export async function findSocialDeparture(ctx: Context, token: string): Promise<SocialDeparture | undefined> {
  return reveal(ctx, await findSocialRow(ctx.db, hashToken(token), ctx.now()));
}

/** Takes it out, once, and only for the browser that left. */
export async function consumeSocialDeparture(
  tx: Tx,
  { token, browser }: { readonly token: string; readonly browser: string },
): Promise<SocialDeparture | undefined> {
  return reveal(
    tx,
    await consumeSocialRow(tx, { idHash: hashToken(token), browserHash: hashToken(browser) }),
  );
}

/** Keeps what a provider has posted until its browser comes for it; the first answer stays. False when there is none to keep. */
export async function keepAnswer(
  tx: Tx,
  {
    token,
    provider,
    answer,
  }: { readonly token: string; readonly provider: SocialProvider; readonly answer: [string, string][] },
): Promise<boolean> {
  const idHash = hashToken(token);
  const answerSealed = seal(tx.config.secretKeys, JSON.stringify(answer), `${placeOf(idHash)}/answer`);
  return updateAnswer(tx, { idHash, provider, answerSealed });
}

function reveal({ config }: Pick<Tx, 'config'>, row: SocialRow | undefined): SocialDeparture | undefined {
  if (!row) return undefined;
  const { idHash, provider, browserHash, sealed, answerSealed } = row;
  const place = placeOf(idHash);
  const read = (text: string, at: string): unknown => JSON.parse(open(config.secretKeys, text, at));
  return {
    provider,
    browserHash,
    luggage: read(sealed, place) as SocialLuggage,
    answer:
      answerSealed === null
        ? undefined
        : (read(answerSealed, `${place}/answer`) as SocialDeparture['answer']),
  };
}

function placeOf(hash: Buffer): string {
  return `social_departures/${hash.toString('base64url')}`;
}
