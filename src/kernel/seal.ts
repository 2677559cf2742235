import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

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

/** What was derived already: it costs as much as all else that a request does with such a key. */
const derived = new WeakMap<SealingKey, Map<string, KeyObject>>();

/**
 * A key for one other purpose, derived (HKDF, RFC 5869) so that no two purposes ever share key material. Purposes are
 * fixed names, never what somebody sent: each is kept for as long as its key.
 */
export function deriveKey(key: SealingKey, purpose: string): KeyObject {
  const ofKey = derived.get(key) ?? new Map<string, KeyObject>();
  derived.set(key, ofKey);
  const known = ofKey.get(purpose);
  if (known) return known;
  const bytes = hkdfSync('sha256', key.bytes, Buffer.alloc(0), `doorward ${purpose}`, 32);
  const made = createSecretKey(Buffer.from(bytes));
  ofKey.set(purpose, made);
  return made;
}
