import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** A 32-byte sealing key; its id is the first 8 hex digits of the SHA-256 of the key. */
export interface SealingKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Newest first: the first key seals, every key opens. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]];

export function sealingKey(bytes: Buffer): SealingKey {
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

/**
 * Seals a secret for storage: AES-256-GCM, the key's id in front, bound to the place it is stored in
 * (`"<table>/<row>"`), so that a sealed value copied into another row does not open there.
 */
export function seal(keys: SealingKeys, secret: string, place: string): string {
  const [key] = keys;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${key.id}.${sealed.toString('base64url')}`;
}

/** Opens what `seal` made. Throws when the key is gone, the value was changed, or it belongs to another place. */
export function open(keys: SealingKeys, sealed: string, place: string): string {
  const [id, body] = sealed.split('.', 2);
  const key = keys.find((candidate) => candidate.id === id);
  if (!key || !body) throw new Error(`no sealing key with id ${JSON.stringify(id)} for ${place}`);
  const bytes = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, 12), { authTagLength: 16 })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
}

/** A key for one other purpose, derived (HKDF, RFC 5869) so that no two purposes ever share key material. */
export function deriveKey(key: SealingKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key.bytes, Buffer.alloc(0), `doorward ${purpose}`, 32));
}
