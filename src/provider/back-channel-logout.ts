/**
 * Back-channel logout through an outbox: the engine would tell every client within the person's own request, once. Here
 * it only records whom to tell, with the end of the session; telling is a job, with its retries.
 *
 * @see OpenID Connect Back-Channel Logout 1.0 §2.5
 */
import type { Provider } from 'oidc-provider';
import { type Context, inTransaction } from '../context.ts';
import {
  claimLogoutNotices,
  enqueueLogoutNotice,
  type LogoutNotice,
  settleLogoutNotice,
} from '../core/sessions/sessions.ts';
import type { UserId } from '../kernel/ids.ts';
import { SigningKeyRetired } from './errors.ts';
import { currentUnit, openUnit, type Units } from './unit-of-work.ts';

interface EngineClient {
  readonly clientId: string;
}

type Tell = (this: EngineClient, sub: string, sid: string) => Promise<void>;

export interface BackChannelLogout {
  /** Tells the clients whose turn it is and answers how many there were. Safe on any number of replicas at once. */
  deliver(ctx: Context): Promise<number>;
}

/** Told side by side. */
const atOnce = 10;
/** At one go: whoever stops the service does not wait for a long queue. */
const mostInOneGo = 100;

export interface Telling {
  readonly units: Units;
  /** Whether what is signed now counts: a run lasts as long as its slowest client, and keys may change meanwhile. */
  isStillGood(): Promise<boolean>;
}

export function queueBackChannelLogout(
  provider: Provider,
  { units, isStillGood }: Telling,
): BackChannelLogout {
  const prototype = provider.Client.prototype as unknown as { backchannelLogout: Tell };
  const tell = prototype.backchannelLogout;
  prototype.backchannelLogout = function (sub, sid) {
    const notice = { clientId: this.clientId, userId: sub as UserId, sid };
    currentUnit(units).records.push((tx) => enqueueLogoutNotice(tx, notice));
    return Promise.resolve();
  };

  const deliverOne = async (ctx: Context, { clientId, userId, sid }: LogoutNotice): Promise<void> => {
    const client = await provider.Client.find(clientId);
    // gone, or not interested any more: there is nobody left to tell
    if (client?.backchannelLogoutUri) {
      if (!(await isStillGood())) throw new SigningKeyRetired();
      await tell.call(client, userId, sid);
    }
    ctx.log.debug({ clientId }, 'back-channel logout delivered');
  };

  const deliverAndNote = async (ctx: Context, notice: LogoutNotice): Promise<void> => {
    if (ctx.now() >= notice.beginBy) return;
    const problem = await units.run(openUnit(ctx), () =>
      deliverOne(ctx, notice).then(() => undefined, describe),
    );
    if (problem !== undefined)
      ctx.log.warn({ clientId: notice.clientId, problem }, 'back-channel logout was not delivered');
    await inTransaction(ctx, (tx) => settleLogoutNotice(tx, notice, problem));
  };

  return {
    async deliver(ctx) {
      const claim = (limit: number) => inTransaction(ctx, (tx) => claimLogoutNotices(tx, limit));
      const first = await claim(atOnce);
      let begun = first.length;
      // whoever is done goes on with the next one: a client that hangs holds up nobody but itself
      const work = async (notice: LogoutNotice): Promise<void> => {
        for (let next: LogoutNotice | undefined = notice; next !== undefined;) {
          await deliverAndNote(ctx, next);
          [next] = begun < mostInOneGo && (await isStillGood()) ? await claim(1) : [];
          if (next) begun += 1;
        }
      };
      await Promise.all(first.map(work));
      return begun;
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown fault';
}
