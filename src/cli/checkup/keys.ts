/** The keys that sign tokens: they can be opened, and each is replaced in time. */
import type { Context } from '../../context.ts';
import { listLostKeys } from '../../core/key-rings/key-rings.ts';
import {
  type KeyDescription,
  listKeys,
  listSigningKeys,
  rotationDueAt,
  signingAlgs,
} from '../../core/keys/keys.ts';
import { addSeconds, hour } from '../../kernel/time.ts';
import { type Check, failed, type Finding, passed, warning } from './finding.ts';

export const keyChecks: readonly Check[] = [
  { name: 'signing keys', needsDatabase: true, look: lookAtKeys },
  { name: 'sealing keys', needsDatabase: true, look: lookAtRings },
];

async function lookAtKeys(ctx: Context): Promise<Finding[]> {
  const keys = await listKeys(ctx.db, ctx.now());
  if (keys.length === 0) {
    const remedy = 'The service makes them when it first starts.';
    return [warning('signing keys', 'there are none yet', remedy)];
  }
  const ofAlgs = signingAlgs.map((alg) => lookAtAlg(ctx, alg, keys));
  return [...ofAlgs, ...((await canOpen(ctx)) ? [] : [unopened])];
}

async function lookAtRings({ db, config }: Context): Promise<Finding[]> {
  const { secret, cookie } = await listLostKeys(db, config);
  const lostSecret = 'Put each back into SECRET_KEYS, or see docs/runbooks/lost-key.md.';
  const lostCookie = 'Put it back behind the others: beside a replica that uses it, none starts without it.';
  return [
    secret.length === 0
      ? passed('sealing keys', `all that are needed: ${idsOf(config.secretKeys)}`)
      : failed('sealing keys', `SECRET_KEYS lacks ${secret.join(', ')}`, lostSecret),
    cookie.length === 0
      ? passed('cookie keys', `the one that is used is among ${idsOf(config.cookieKeys)}`)
      : warning('cookie keys', `COOKIE_KEYS lacks ${cookie.join(', ')}, which is used`, lostCookie),
  ];
}

function idsOf(keys: Context['config']['secretKeys']): string {
  return keys.map(({ id }) => id).join(', ');
}

const unopened = failed(
  'signing keys',
  'a key cannot be opened with SECRET_KEYS',
  'Put the key that sealed it back into SECRET_KEYS, behind the newest.',
);

async function canOpen({ db, config, now }: Context): Promise<boolean> {
  return listSigningKeys(db, config.secretKeys, now()).then(
    () => true,
    () => false,
  );
}

function lookAtAlg({ now }: Context, alg: string, keys: readonly KeyDescription[]): Finding {
  const ofAlg = keys.filter((key) => key.alg === alg);
  const current = ofAlg.find(({ state }) => state === 'current');
  const next = ofAlg.find(({ state }) => state === 'next');
  const dueAt = rotationDueAt(ofAlg);
  if (!current || !dueAt)
    return failed('signing keys', `no ${alg} key signs`, 'Run: doorward keys rotate --now');
  const nextText = next ? `next ${next.kid}` : 'no next one yet';
  const found = `${alg}: ${current.kid} signs until ${dueAt.toISOString()}, ${nextText}`;
  // the job that makes the next one runs every hour
  if (addSeconds(dueAt, 2 * hour) > now()) return passed('signing keys', found);
  return warning('signing keys', found, 'It is late: is a replica running, and does its log say why not?');
}
