/** What there is to do with the keys of the settings: SECRET_KEYS and COOKIE_KEYS. */
import type { Context } from '../context.ts';
import { forgetKey, listKeyRings, resealNow, type RingKey, ringNames } from '../core/key-rings/key-rings.ts';
import { answerRows, inSnakeCase } from './answer.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import type { Given } from './given.ts';
import { withProgress } from './progress.ts';

export const ringCommands: Readonly<Record<string, Command>> = {
  'keys configured': {
    about:
      'Lists the keys of SECRET_KEYS and COOKIE_KEYS by their ids: which is used, what each has sealed, and when it may go.',
    example: 'keys configured',
    withAnyKeys: true,
    run: async (ctx) => answerRows(await listKeyRings(ctx), (key) => cellsOf(key, ctx.now())),
  },
  'keys reseal': {
    about: 'Seals anew what older keys of SECRET_KEYS have sealed, as the service does by itself.',
    example: 'keys reseal',
    endsWith1: 'when something cannot be opened with SECRET_KEYS',
    flags: ['progress'],
    run: (ctx, given) => reseal(ctx, given),
  },
  'keys forget': {
    words: '<key-id>',
    flags: ['yes'],
    about: 'Gives up what a lost key of SECRET_KEYS has sealed, so that the service starts without it.',
    example: 'keys forget 1f2e3d4c --yes',
    withAnyKeys: true,
    run: (ctx, given) => forget(ctx, given),
  },
};

function cellsOf(key: RingKey, now: Date): string[] {
  const { ring, id, state, sealed } = key;
  const values = sealed === undefined ? [] : [`${sealed} sealed`];
  return [ringNames[ring], id, state, ...values, storyOf(key, now)];
}

function storyOf({ state, beganAt, usedUntil, awaited, removableAt }: RingKey, now: Date): string {
  if (state === 'next') return `${awaited} replica(s) do not have it first yet`;
  if (state === 'used') return `since ${beganAt?.toISOString() ?? ''}`;
  if (state === 'lost') return 'is not in these settings, and is needed';
  const until = `until ${usedUntil?.toISOString() ?? 'now'}`;
  if (!removableAt) return `${until}, and is still needed`;
  return `${until}; may be removed${removableAt <= now ? '' : ` from ${removableAt.toISOString()}`}`;
}

async function reseal(ctx: Context, given: Given): Promise<Answer> {
  const done = await withProgress(given, (say) =>
    resealNow(ctx, ({ table, resealed }) => say(`${table}: ${resealed} values so far`)),
  );
  const { resealed, unreadable } = done;
  const text = `${resealed} values were sealed anew.`;
  if (unreadable === 0) return { text, data: done };
  return { text: `${text} ${unreadable} cannot be opened with SECRET_KEYS.`, data: done, exitCode: 1 };
}

async function forget(ctx: Context, given: Given): Promise<Answer> {
  const [id = ''] = given.words;
  await confirm(`What ${id} has sealed is lost for good then.`, given);
  const forgotten = await forgetKey(ctx, id);
  const { signingKeys, deleted, connections } = forgotten;
  const lines = [
    `${id} is needed no more.`,
    ...signingKeys.map((kid) => `The signing key ${kid} was replaced; what it has signed is refused.`),
    `${deleted} things that were under way have ended.`,
    ...connections.map((connection) => `The connection ${connection} needs its secret, or new keys of ours.`),
  ];
  return { text: lines.join('\n'), data: inSnakeCase(forgotten) };
}
