/** The mistakes that must not compile: each line without its error would fail the type check. */
import type { Context, Tx } from '../../src/context.ts';
import { recordEvent } from '../../src/core/audit/audit.ts';
import { hashPassword, provePassword } from '../../src/core/credentials/credentials.ts';
import { findClient } from '../../src/core/clients/clients.ts';
import { enqueueMail } from '../../src/core/outbox/outbox.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { defineRoute } from '../../src/http/route.ts';
import { Failure } from '../../src/kernel/failures.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';

declare const ctx: Context;
declare const tx: Tx;
declare const accountId: AccountId;
declare const productId: ProductId;
declare const userId: UserId;

// reads take whatever can read
void findClient(ctx.db, 'demo');
void findClient(tx.db, 'demo');

void assignSeat(tx, { accountId, productId, userId });
// @ts-expect-error a write without a transaction
void assignSeat(ctx, { accountId, productId, userId });
// @ts-expect-error an event without the transaction of its cause
void recordEvent(ctx, { type: 'user.signed_in' });
// @ts-expect-error a mail without the transaction of its cause
void enqueueMail(ctx, { template: 'seat_requested' });

// @ts-expect-error an orchestration inside a transaction
void provePassword(tx, { email: 'a@b.test', password: 'x' });
// @ts-expect-error a hash inside a transaction
void hashPassword(tx, 'password');
// @ts-expect-error the network inside a transaction
void tx.fetch('https://example.com');

// @ts-expect-error a user is not an account, though the protocol's word for one is the other's
void assignSeat(tx, { accountId: userId, productId, userId: accountId });

// @ts-expect-error an event that is not in the union
void recordEvent(tx, { type: 'user.did_something' });
// @ts-expect-error a failure that is not in the table
void new Failure('nope');

// @ts-expect-error a route without access
defineRoute({ method: 'GET', url: '/', schema: {}, handler: () => Promise.resolve({}) });
// @ts-expect-error a route without schema
defineRoute({ method: 'GET', url: '/', access: 'public', handler: () => Promise.resolve({}) });
