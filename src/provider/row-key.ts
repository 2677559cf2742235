/** The keys under which a unit of work remembers rows. */
import { hashToken } from '../kernel/tokens.ts';

/** Of a row that is stored by the hash of its id. */
export function rowKey(model: string, id: string): string {
  return `${model}:${hashToken(id).toString('base64url')}`;
}

export function grantKey(id: string): string {
  return `Grant:${id}`;
}

export function sessionKey(uid: string): string {
  return `Session:uid:${uid}`;
}
