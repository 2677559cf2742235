/**
 * The company a browser came by last: a mark in a cookie, offered as a shortcut next time. It signs nobody in, it is
 * authenticated so that nobody else can point a browser at their own company, and one that is gone is ignored.
 */
import { createHmac } from 'node:crypto';
import type { Config } from '../../../config/load.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { deriveKey, type SealingKey } from '../../kernel/seal.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { isSameHash } from '../../kernel/tokens.ts';

/** How long a company stays remembered, in seconds. */
export const rememberedSeconds = 180 * day;

type Keys = Pick<Config, 'cookieKeys'>;

export function markCompany({ cookieKeys }: Keys, id: ConnectionId, now: Date): string {
  const text = `${id}.${now.getTime().toString(36)}`;
  return `${text}.${macOf(cookieKeys[0], text).toString('base64url')}`;
}

/** The connection of a mark that we made, and not too long ago. */
export function readMark(
  { cookieKeys }: Keys,
  value: string | undefined,
  now: Date,
): ConnectionId | undefined {
  const [, text = '', id = '', issuedAt = '', mac = ''] =
    /^((con_[0-9a-z]{26})[.]([0-9a-z]{1,10}))[.]([\w-]{43})$/.exec(value ?? '') ?? [];
  const given = Buffer.from(mac, 'base64url');
  if (text === '' || !cookieKeys.some((key) => isSameHash(macOf(key, text), given))) return undefined;
  const until = addSeconds(new Date(parseInt(issuedAt, 36)), rememberedSeconds);
  return until > now ? (id as ConnectionId) : undefined;
}

function macOf(key: SealingKey, text: string): Buffer {
  return createHmac('sha256', deriveKey(key, 'remembered companies')).update(text).digest();
}
