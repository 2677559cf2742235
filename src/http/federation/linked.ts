/** The page that says how linking an identity has ended, and leads back to where it began. */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { Failure, type FailureCode, failures } from '../../kernel/failures.ts';
import { open, seal } from '../../kernel/seal.ts';
import { identityLinkedPage, identityNotLinkedPage } from '../../pages/identity-linked.ts';
import type { Engine } from '../../provider/provider.ts';
import { localeOf, sendPage, wantsHtml } from '../html.ts';
import { findRecoveryClient, sendView } from '../recovery/answer.ts';
import { defineRoute, type Route } from '../route.ts';

export interface LinkOutcome {
  readonly provider: SocialProvider;
  /** Where it began. */
  readonly clientId: string;
  /** Why nothing was linked. */
  readonly code?: FailureCode | undefined;
  readonly caseId?: string | undefined;
}

const place = 'link_outcomes';

/**
 * Sealed, so that nobody can have our page say what did not happen, or lead where they like. With a fragment of its own:
 * Facebook's `#_=_` would go along.
 */
export function outcomeAt({ config }: Context, outcome: LinkOutcome): string {
  return `/federation/linked?outcome=${seal(config.secretKeys, JSON.stringify(outcome), place)}#`;
}

export const linkedRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/federation/linked',
    access: 'federation',
    schema: { querystring: z.object({ outcome: z.string().regex(/^[\w.-]{1,2000}$/) }) },
    handler: async (ctx, { query }, wire) => {
      const { provider, clientId, code, caseId } = readOutcome(ctx, query.outcome);
      const client = await findRecoveryClient(engine(), clientId);
      const ended = {
        locale: localeOf(wire.request),
        client: client?.shown ?? null,
        provider,
        location: client?.startUrl ?? null,
      };
      if (code === undefined)
        return sendView(wire, { step: 'identity_linked', ...ended } as const, identityLinkedPage);
      if (!wantsHtml(wire.request)) throw new Failure(code, { ...(caseId !== undefined && { caseId }) });
      const shown = identityNotLinkedPage({ ...ended, code, caseId });
      return sendPage(wire.reply.status(failures[code].status), shown);
    },
  });

function readOutcome({ config }: Context, sealed: string): LinkOutcome {
  try {
    return JSON.parse(open(config.secretKeys, sealed, place)) as LinkOutcome;
  } catch (cause) {
    throw new Failure('link_expired', { cause });
  }
}
