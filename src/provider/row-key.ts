import { hashToken } from '../kernel/tokens.ts';

/** The key under which a unit of work remembers a row that is stored by the hash of its id. */
export function rowKey(model: string, id: string): string {
  return `${model}:${hashToken(id).toString('base64url')}`;
}
