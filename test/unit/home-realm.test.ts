/** Home-realm discovery as a table: where an address is sent, for every state of a connection and every narrowing. */
import t from 'tap';
import { discoverHome } from '../../src/core/connections/connections.ts';
import type { RouteRow } from '../../src/core/connections/queries.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';

const gina = 'gina@globex.test' as EmailAddress;
const greg = 'greg@globex.test' as EmailAddress;

function route(id: string, but: Partial<RouteRow> = {}): RouteRow {
  return {
    connectionId: `con_${id}`,
    accountId: 'acc_globex',
    account: 'Globex Corp',
    label: `Globex ${id}`,
    state: 'enabled',
    pilotEmails: [],
    priority: 0,
    addresses: null,
    ...but,
  };
}

const ids = (routes: readonly RouteRow[], email: EmailAddress | undefined = gina, connection?: string) =>
  discoverHome(routes, email, { connectionId: connection as `con_${string}` }).connections.map(
    ({ id }) => id,
  );

t.test('where an address is sent', async (t) => {
  const table: readonly [what: string, routes: RouteRow[], sentTo: string[]][] = [
    ['no connection: nowhere', [], []],
    ['one that is enabled', [route('a')], ['con_a']],
    ['one that is required', [route('a', { state: 'required' })], ['con_a']],
    ['a pilot, for who is listed', [route('a', { state: 'pilot', pilotEmails: [gina] })], ['con_a']],
    ['a pilot, for who is not', [route('a', { state: 'pilot', pilotEmails: [greg] })], []],
    [
      'a pilot beside one for everybody',
      [route('a', { state: 'pilot', pilotEmails: [greg] }), route('b')],
      ['con_b'],
    ],
    ['two of one rank: the person chooses', [route('a'), route('b')], ['con_a', 'con_b']],
    ['two of two ranks: the first', [route('a', { priority: 2 }), route('b', { priority: 1 })], ['con_b']],
    [
      'one for this address before all others',
      [route('a'), route('b', { addresses: [gina], priority: 9 })],
      ['con_b'],
    ],
    ['one for another address', [route('a'), route('b', { addresses: [greg] })], ['con_a']],
    ['only one for another address', [route('b', { addresses: [greg] })], []],
  ];
  for (const [what, routes, sentTo] of table) t.strictSame(ids(routes), sentTo, what);
});

t.test(
  'a connection that the client names is taken among those the address may go by, and no other',
  async (t) => {
    const routes = [route('a'), route('b', { priority: 5 })];
    t.strictSame(ids(routes, gina, 'con_b'), ['con_b']);
    t.strictSame(ids(routes, gina, 'con_elsewhere'), ['con_a']);
    t.strictSame(ids([route('a', { state: 'pilot', pilotEmails: [greg] })], gina, 'con_a'), []);
  },
);

t.test('a domain without an address is nobody of a pilot, and no named address', async (t) => {
  const routes = [
    route('a', { state: 'pilot', pilotEmails: [gina] }),
    route('b', { addresses: [gina] }),
    route('c'),
  ];
  t.strictSame(discoverHome(routes, undefined).connections, [{ id: 'con_c', label: 'Globex c' }]);
});

t.test('every other door is closed where one that the address goes by is required', async (t) => {
  const required = (routes: RouteRow[]) => discoverHome(routes, gina).requiredBy?.accountId;
  t.equal(required([route('a')]), undefined);
  t.equal(required([route('a', { state: 'required' })]), 'acc_globex');
  t.equal(required([route('a', { state: 'required', addresses: [greg] })]), undefined);
  t.equal(required([route('a'), route('b', { state: 'required', priority: 9 })]), 'acc_globex');
});
