/** The key rings of this process, as it uses them: they change while it runs. */
import { randomBytes } from 'node:crypto';
import { type Config, ConfigurationError } from '../../../config/load.ts';
import type { Context } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { addSeconds } from '../../kernel/time.ts';
import { confirmKeyRings, leaveKeyRings, type Standing } from './confirm.ts';
import { listKeyUses, type Ring, ringNames } from './queries.ts';
import { isNeeded, usedIn } from './needed.ts';

/** For so long, in seconds, others certainly wait for a process that was seen: half of what they do. */
const countsFor = 15;

export type KeyLists = Pick<Config, 'secretKeys' | 'cookieKeys'>;

export interface KeyRings {
  /** As the settings, but that their keys are those of now: the one that is used first. */
  readonly config: Config;
  /**
   * Reads the lists again, and uses what every replica has. Throws when this process lacks a key that the others use, or,
   * at its start, one that something is sealed by: it must not answer anybody then.
   */
  confirm(ctx: Context): Promise<void>;
  leave(ctx: Context): Promise<void>;
}

/** Nothing is asked yet: until the first `confirm` the keys are in the order of the settings. */
export function openKeyRings(config: Config): KeyRings {
  const id = randomBytes(12).toString('base64url');
  let configured: KeyLists = config;
  let lists: KeyLists = config;
  let seenAt: Date | undefined;
  const live = Object.defineProperties(
    { ...config },
    {
      secretKeys: { get: () => lists.secretKeys, enumerable: true },
      cookieKeys: { get: () => lists.cookieKeys, enumerable: true },
    },
  );

  function readAgain(log: Context['log']): void {
    try {
      configured = config.readKeys();
    } catch (err) {
      log.error({ err }, 'SECRET_KEYS and COOKIE_KEYS cannot be read; goes on with those before');
    }
  }

  return {
    config: live,
    async confirm(ctx) {
      readAgain(ctx.log);
      // before anybody hears of a new key: whoever hears of it may use it at once
      const known = (lists = withNew(lists, configured));
      const [secret, cookie] = [configured.secretKeys[0].id, configured.cookieKeys[0].id];
      const secretIds = known.secretKeys.map((key) => key.id);
      const since = ctx.now();
      const isNew = !seenAt || since < seenAt || since > addSeconds(seenAt, countsFor);
      const holding = { wish: { id, secret, cookie }, secretIds, isNew };
      const mustBeWhole = !seenAt;
      lists = await confirmKeyRings(ctx, holding, (standing) =>
        heldOf({ configured, known, standing, mustBeWhole }),
      );
      seenAt = since;
    },
    leave: (ctx) => leaveKeyRings(ctx, id),
  };
}

/** The new ones behind those that were known: they open, and make nothing yet. */
function withNew(known: KeyLists, configured: KeyLists): KeyLists {
  const join = ([first, ...rest]: Keys, others: Keys): Keys => {
    const isKnown = (key: Keys[0]): boolean => [first, ...rest].some(({ id }) => id === key.id);
    return [first, ...rest, ...others.filter((key) => !isKnown(key))];
  };
  return {
    secretKeys: join(known.secretKeys, configured.secretKeys),
    cookieKeys: join(known.cookieKeys, configured.cookieKeys),
  };
}

interface Circumstances {
  /** As the settings have it. */
  readonly configured: KeyLists;
  /** What the process had until now. */
  readonly known: KeyLists;
  readonly standing: Standing;
  /** Whether every key that something is sealed by must be there. */
  readonly mustBeWhole: boolean;
}

/**
 * Both lists with the used key first. One that was taken out of the settings too soon is kept for as long as it is used
 * or needed. Throws ConfigurationError when one is missing.
 */
function heldOf({ configured, known, standing, mustBeWhole }: Circumstances): KeyLists {
  const { used, needed } = standing;
  const secrets = { configured: configured.secretKeys, known: known.secretKeys };
  const secretKeys = arrange({ ...secrets, used: used.secret, kept: needed });
  const cookies = { configured: configured.cookieKeys, known: known.cookieKeys };
  const cookieKeys = arrange({ ...cookies, used: used.cookie, kept: [] });
  const lost = mustBeWhole ? needed.filter((id) => !secretKeys?.some((key) => key.id === id)) : [];
  const problems = [
    ...(secretKeys ? [] : [lacks('secret', used.secret)]),
    ...(cookieKeys ? [] : [lacks('cookie', used.cookie)]),
    ...lost.map((id) => `${ringNames.secret} lacks the key ${id}, by which something is sealed; ${remedy}`),
  ];
  if (!secretKeys || !cookieKeys || problems.length > 0) throw new ConfigurationError(problems);
  return { secretKeys, cookieKeys };
}

const remedy = 'put it back behind the others, or, when it is lost, see docs/runbooks/lost-key.md';

function lacks(ring: Ring, id: string): string {
  return `${ringNames[ring]} lacks the key ${id}, which is used; ${remedy}`;
}

type Keys = Config['secretKeys'];

interface Arrangement {
  readonly configured: Keys;
  readonly known: Keys;
  readonly used: string;
  readonly kept: readonly string[];
}

function arrange({ configured, known, used, kept }: Arrangement): Keys | undefined {
  const isConfigured = (key: Keys[0]): boolean => configured.some(({ id }) => id === key.id);
  const held = known.filter((key) => !isConfigured(key) && (key.id === used || kept.includes(key.id)));
  const all = [...configured, ...held];
  const first = all.find(({ id }) => id === used);
  return first && [first, ...all.filter((key) => key !== first)];
}

/**
 * The settings of a command, which joins nobody and lives for a moment, with the used keys first. Throws
 * ConfigurationError when its secret keys lack the one that the service seals with.
 */
export async function withUsedKeys(db: Db, config: Config): Promise<Config> {
  const uses = await listKeyUses(db);
  const used = usedIn(uses, 'secret') ?? config.secretKeys[0].id;
  // cookies are not made here
  const standing = { used: { secret: used, cookie: config.cookieKeys[0].id }, needed: [] };
  return { ...config, ...heldOf({ configured: config, known: config, standing, mustBeWhole: false }) };
}

/** Of each ring the keys that a start needs and these lists lack; the cookie key only beside a replica that uses it. */
export async function listLostKeys(db: Db, lists: KeyLists): Promise<Readonly<Record<Ring, string[]>>> {
  const uses = (await listKeyUses(db)).filter((use) => isNeeded(use) || use.usedUntil === null);
  const lost = (ring: Ring, keys: Keys): string[] =>
    uses
      .filter((use) => use.ring === ring && !keys.some(({ id }) => id === use.keyId))
      .map(({ keyId }) => keyId);
  return { secret: lost('secret', lists.secretKeys), cookie: lost('cookie', lists.cookieKeys) };
}
