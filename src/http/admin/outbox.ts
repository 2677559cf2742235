import { z } from 'zod';
import { getLockedMail, listMail, type MailRow, retryMail } from '../../core/outbox/outbox.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { email, idOf, shownId, shownTime, shownTimeOrNull, time } from './schemas.ts';

const tag = 'Outbox';
const mailParams = z.object({ mail_id: idOf('mail') });
const state = z
  .enum(['pending', 'sent', 'dead'])
  .meta({ description: 'dead: given up, the last error says why.' });

const mail = z
  .strictObject({
    id: shownId('mail'),
    template: z.string().meta({ description: 'What kind of mail it is.', examples: ['invitation'] }),
    recipient: email,
    locale: z.string().meta({ examples: ['en'] }),
    state,
    attempts: z.int(),
    created_at: time,
    next_attempt_at: time,
    expires_at: time.nullable().meta({ description: 'After this it is not sent any more.' }),
    sent_at: time.nullable(),
    last_error: z
      .string()
      .nullable()
      .meta({ examples: [null] }),
  })
  .meta({ id: 'Mail' });

function show(row: MailRow): z.output<typeof mail> {
  const { id, template, recipient, locale, state, attempts, lastError } = row;
  return {
    id,
    template,
    recipient,
    locale,
    state,
    attempts,
    created_at: shownTime(row.createdAt),
    next_attempt_at: shownTime(row.nextAttemptAt),
    expires_at: shownTimeOrNull(row.expiresAt),
    sent_at: shownTimeOrNull(row.sentAt),
    last_error: lastError,
  };
}

export const outboxOperations: readonly AnyOperation[] = [
  reading({
    id: 'listMail',
    method: 'GET',
    url: '/outbox',
    tag,
    summary: 'List the mails that wait, have gone, or were given up; newest first',
    description: 'Never what they say.',
    access: { operator: 'admin:outbox:read' },
    query: pageQuery.extend({ state: state.optional() }),
    answer: pageOf(mail),
    handler: (ctx, { query: { state } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listMail(ctx.db, { ...window, state }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  changing({
    id: 'retryMail',
    method: 'POST',
    url: '/outbox/{mail_id}/retry',
    tag,
    summary: 'Have a mail tried again now',
    description:
      'Not one with a link or a code that was given up: its secret is gone, and it has to be asked for again.',
    access: { operator: 'admin:outbox:write' },
    params: mailParams,
    answer: mail,
    failures: ['action_not_available'],
    current: async (tx, { params }) => show(await getLockedMail(tx, params.mail_id)),
    change: async (tx, { params }) => show(await retryMail(tx, params.mail_id)),
  }),
];
