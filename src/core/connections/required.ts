import type { Db } from '../../db/connect.ts';
import { domainOf, type EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import { findBreakGlass } from '../memberships/memberships.ts';
import { discoverHome, type HomeRealm } from './home-realm.ts';
import { selectRoutes } from './queries.ts';

export interface Doors {
  /** Where the address belongs. */
  readonly home: HomeRealm;
  /** A password is no door for this person: their domain requires its company, and they are not to break the glass. */
  readonly companyOnly: boolean;
}

/** Which doors are open to a person whose user is known: for what they are mailed, or may set, once they have proven themself. */
export async function findDoors(
  db: Db,
  { email, userId }: { readonly email: EmailAddress; readonly userId: UserId },
): Promise<Doors> {
  const home = discoverHome(await selectRoutes(db, domainOf(email)), email);
  const { requiredBy } = home;
  const companyOnly = requiredBy !== undefined && !(await findBreakGlass(db, userId, requiredBy));
  return { home, companyOnly };
}
