/**
 * Hashes that another system made of its users' passwords: bcrypt, scrypt and PBKDF2. Each is verified until its person
 * signs in, and is replaced by our own then. What one costs stands in the hash itself, so it is bounded where it comes in.
 */
import { pbkdf2, scrypt, timingSafeEqual, type BinaryLike, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { createThread } from '../../thread.ts';
import type { BcryptQuestion } from './bcrypt-thread.ts';

const scryptAsync = promisify<BinaryLike, BinaryLike, number, ScryptOptions, Buffer>(scrypt);
const pbkdf2Async = promisify(pbkdf2);

export type ForeignHash =
  | { readonly kind: 'bcrypt'; readonly hash: string }
  | (Derived & { readonly kind: 'scrypt'; readonly N: number; readonly r: number; readonly p: number })
  | (Derived & { readonly kind: 'pbkdf2'; readonly digest: string; readonly iterations: number });

interface Derived {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** What verifying one may cost: about a second and 128 MB. The least keeps out what only looks like a hash. */
const bounds = {
  bcryptCost: [4, 14],
  scryptLogN: [10, 20],
  scryptBytes: [0, 128 * 1024 * 1024],
  scryptParallel: [1, 16],
  scryptWork: [0, 512 * 1024 * 1024],
  iterations: [1000, 2_000_000],
  saltBytes: [4, 64],
  keyBytes: [16, 64],
} as const;

/** bcrypt never looks further: who types more could have any tail taken for right. */
const bcryptBytes = 72;

const bcrypt = createThread<BcryptQuestion, boolean>(new URL('./bcrypt-thread.ts', import.meta.url), {
  deadlineMs: 15_000,
  idleMs: 60_000,
  memoryMb: 64,
});

/**
 * Reads `$2a$`, `$2b$` and `$2y$`; `$scrypt$ln=…,r=…,p=…$salt$key`; `$pbkdf2-sha256$i=…$salt$key` and `-sha512` (also
 * without `i=`, as passlib writes it). Undefined for every other text, and for costs out of bounds.
 */
export function parseForeignHash(text: string): ForeignHash | undefined {
  return parseBcrypt(text) ?? parseScrypt(text) ?? parsePbkdf2(text);
}

/** In constant time where it is ours to say. The password in NFC. */
export async function matchesForeignHash(hash: ForeignHash, password: string): Promise<boolean> {
  switch (hash.kind) {
    case 'bcrypt':
      if (Buffer.byteLength(password) > bcryptBytes) return false;
      return bcrypt.ask({ password, hash: hash.hash });
    case 'scrypt': {
      const { N, r, p, salt, key } = hash;
      // its own working memory, and the little that it needs besides
      const maxmem = 128 * N * r + 128 * r * (p + 4) + 1024 * 1024;
      return timingSafeEqual(await scryptAsync(password, salt, key.length, { N, r, p, maxmem }), key);
    }
    case 'pbkdf2': {
      const { iterations, digest, salt, key } = hash;
      return timingSafeEqual(await pbkdf2Async(password, salt, iterations, key.length, digest), key);
    }
  }
}

function parseBcrypt(text: string): ForeignHash | undefined {
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1];
  return isWithin(cost, bounds.bcryptCost) ? { kind: 'bcrypt', hash: text } : undefined;
}

function parseScrypt(text: string): ForeignHash | undefined {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/.exec(text);
  const [logN = 0, r = 0, p = 0] = match?.slice(1, 4).map(Number) ?? [];
  const derived = parseDerived(match?.slice(4));
  if (!derived || r < 1 || !isWithin(logN, bounds.scryptLogN) || !isWithin(p, bounds.scryptParallel)) return;
  const N = 2 ** logN;
  const bytes = 128 * N * r;
  if (!isWithin(bytes, bounds.scryptBytes) || !isWithin(bytes * p, bounds.scryptWork)) return;
  return { kind: 'scrypt', N, r, p, ...derived };
}

function parsePbkdf2(text: string): ForeignHash | undefined {
  const match = /^\$pbkdf2-(sha256|sha512)\$(?:i=)?(\d{1,8})(?:,l=\d{1,3})?\$([^$]+)\$([^$]+)$/.exec(text);
  const [, digest, iterations] = match ?? [];
  const derived = parseDerived(match?.slice(3));
  if (!derived || digest === undefined || !isWithin(iterations, bounds.iterations)) return;
  return { kind: 'pbkdf2', digest, iterations: Number(iterations), ...derived };
}

function parseDerived([saltText, keyText]: readonly string[] = []): Derived | undefined {
  const [salt, key] = [decode(saltText), decode(keyText)];
  if (!isWithin(salt?.length, bounds.saltBytes) || !isWithin(key?.length, bounds.keyBytes)) return undefined;
  return salt && key && { salt, key };
}

/** Base64 with or without padding; "." is what passlib writes for "+". */
function decode(text: string | undefined): Buffer | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/.]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}

function isWithin(value: string | number | undefined, [least, most]: readonly [number, number]): boolean {
  return value !== undefined && Number(value) >= least && Number(value) <= most;
}
