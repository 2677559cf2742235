/** The end of a test: an admin is shown what the identity provider has said, and nothing else is written. */
import type { Context } from '../../context.ts';
import { findAttempt } from '../../core/attempts/attempts.ts';
import { type ExternalIdentity, findConnection, mapIdentity } from '../../core/connections/connections.ts';
import { tryIdentity } from '../../core/provisioning/provisioning.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { testResultPage } from '../../pages/federation.ts';
import { localeOf, sendPage } from '../html.ts';
import type { Wire } from '../route.ts';

interface Tested {
  readonly connectionId: ConnectionId;
  readonly attemptId: string;
  readonly identity?: ExternalIdentity | undefined;
  /** Of a response that was refused already. */
  readonly caseId?: string | undefined;
  /** Of the connection, as it was when it verified the identity: what has changed since was not tested. */
  readonly revision?: number | undefined;
}

export async function showTest(ctx: Context, tested: Tested, { request, reply }: Wire) {
  const { connectionId, attemptId, identity, revision } = tested;
  const connection = await findConnection(ctx.db, connectionId);
  if (!connection) throw new Failure('not_found');
  if (identity && revision === connection.revision)
    await tryIdentity(ctx, { connection, identity, attemptId });
  const attempt = await findAttempt(ctx.db, attemptId);
  if (!attempt) throw new Failure('not_found');
  const { outcome, code, caseId } = attempt;
  const result = {
    label: connection.label,
    caseId: caseId ?? attemptId,
    identity,
    mapped: identity && { ...mapIdentity(connection.mapping, identity) },
    ...(outcome !== 'passed' && { code: code ?? outcome }),
  };
  return sendPage(reply, testResultPage(result, localeOf(request)));
}
