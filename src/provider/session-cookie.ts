/** Who is signed in at a browser, for pages of ours that are none of the engine's. */
import type { Context } from '../context.ts';
import type { UserId } from '../kernel/ids.ts';
import { hashToken } from '../kernel/tokens.ts';
import { findSession } from './session-queries.ts';
import { cookieKeys, cookieNames } from './settings.ts';

/**
 * The user whose session these cookies are: signed by us, as the engine demands it, and not ended. Undefined for anybody
 * else. Cookies of ours that came twice count for nobody: http/cookies.ts has dropped them by now.
 */
export async function findSignedInUser(
  { config, db, now }: Context,
  cookies: string | undefined,
): Promise<UserId | undefined> {
  const name = cookieNames(config).session;
  const id = valueOf(cookies, name);
  const signature = valueOf(cookies, `${name}.sig`);
  // over name and value together: what we have signed under another name is no session
  if (!id || !signature || !cookieKeys(config).verify(`${name}=${id}`, signature)) return undefined;
  const session = await findSession(db, { idHash: hashToken(id) }, now());
  return session?.payload['accountId'] as UserId | undefined;
}

function valueOf(cookies: string | undefined, name: string): string | undefined {
  const pair = cookies?.split(/; */).find((candidate) => candidate.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}
