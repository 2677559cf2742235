/** Which keys of our own the settings of a connection ask for. */
import type { Context } from '../../context.ts';
import { type KeyUse, listConnectionKeys } from './key-queries.ts';
import { type MadeKey, makeOwnKey } from './keys.ts';
import type { Connection } from './queries.ts';
import type { ConnectionSettings } from './settings.ts';

/** Keys that no row has yet, by what they are for. */
export type OwnKeys = readonly { readonly use: KeyUse; readonly made: MadeKey }[];

/** Makes the keys of a new connection. Takes its time: before the transaction that stores them. */
export function makeKeysFor(ctx: Context, settings: ConnectionSettings): Promise<OwnKeys> {
  return makeKeys(ctx, keyUsesOf(settings));
}

/** Makes those that a connection has not got and its new settings ask for; most edits ask for none. */
export async function makeMissingKeys(
  ctx: Context,
  { id }: Pick<Connection, 'id'>,
  settings: ConnectionSettings,
): Promise<OwnKeys> {
  const present = await listConnectionKeys(ctx.db, id);
  const isMissing = (use: KeyUse) => !present.some((key) => key.use === use && key.state === 'current');
  return makeKeys(ctx, keyUsesOf(settings).filter(isMissing));
}

function makeKeys(ctx: Context, uses: readonly KeyUse[]): Promise<OwnKeys> {
  return Promise.all(uses.map(async (use) => ({ use, made: await makeOwnKey(ctx) })));
}

/** Every request to a SAML identity provider is signed. */
function keyUsesOf(settings: ConnectionSettings): KeyUse[] {
  if (settings.kind === 'saml') return settings.encryption ? ['signing', 'encryption'] : ['signing'];
  return settings.clientAuth === 'private_key_jwt' ? ['signing'] : [];
}
