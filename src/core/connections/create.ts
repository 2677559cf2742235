import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type AccountId, type ConnectionId, newId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { hashSettings, needSecret, sealClientSecret } from './configuration.ts';
import type { KeyUse } from './key-queries.ts';
import { addConnectionKey, keyName, makeKey } from './keys.ts';
import { insertConnection } from './queries.ts';
import {
  type ConnectionSettings,
  defaultMapping,
  type Mapping,
  nothingPublished,
  type OidcPublished,
  type SamlPublished,
} from './settings.ts';

/** A connection of one protocol, with what belongs to it. */
export type NewConnection = {
  readonly accountId: AccountId;
  readonly label: string;
  readonly mapping?: Partial<Mapping>;
  /** The client secret of OpenID Connect; sealed before it is stored. */
  readonly secret?: string;
  readonly refreshAt?: Date | null;
  /** Who makes it: a user or a client. */
  readonly by?: string | undefined;
} & (
  | {
      readonly settings: Extract<ConnectionSettings, { kind: 'saml' }>;
      readonly published: SamlPublished;
    }
  | { readonly settings: Extract<ConnectionSettings, { kind: 'oidc' }>; readonly published?: OidcPublished }
);

/** Makes a connection, a draft. Its settings were parsed before. */
export async function createConnection(tx: Tx, connection: NewConnection): Promise<ConnectionId> {
  const { accountId, label, settings, secret, refreshAt = null } = connection;
  const id = newId('con', tx.now());
  const mapping = { ...defaultMapping, ...connection.mapping };
  const secretSealed = secret === undefined ? null : sealClientSecret(tx.config, id, secret);
  await insertConnection(tx, {
    id,
    accountId,
    label,
    settings,
    mapping,
    settingsHash: hashSettings({ settings, mapping, secretSealed }),
    secretSealed,
    published: connection.published ?? nothingPublished,
    refreshAt,
  });
  const details = { connection_id: id, kind: settings.kind, label };
  await recordEvent(tx, { type: 'connection.created', accountId, actorId: connection.by, details });
  return id;
}

/** Makes a connection and the keys of our own that it needs, in one transaction. Failure `invalid_input` without its secret. */
export async function establishConnection(ctx: Context, connection: NewConnection): Promise<ConnectionId> {
  const { settings, secret } = connection;
  needSecret(settings, secret !== undefined);
  const uses = keyUsesOf(settings);
  const keys = await Promise.all(
    uses.map(async (use) => ({ use, made: await makeKey(keyName(ctx.config), ctx.now()) })),
  );
  return inTransaction(ctx, async (tx) => {
    const connectionId = await createConnection(tx, connection);
    for (const { use, made } of keys)
      await addConnectionKey(tx, { connectionId, use, state: 'current' }, made);
    return connectionId;
  });
}

/** Every request to a SAML identity provider is signed. */
function keyUsesOf(settings: ConnectionSettings): KeyUse[] {
  if (settings.kind === 'saml') return settings.encryption ? ['signing', 'encryption'] : ['signing'];
  return settings.clientAuth === 'private_key_jwt' ? ['signing'] : [];
}
