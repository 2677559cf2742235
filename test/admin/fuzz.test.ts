/** Every operation with values drawn from its own description, and from next to it: no fault, no status undeclared. */
import fc from 'fast-check';
import t from 'tap';
import { openApi, operations } from '../../src/http/admin.ts';
import { type Api, operatorApi, signInToApi } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type JsonSchema, valueFor } from '../support/arbitrary.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: JsonSchema;
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
}

const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 25);

t.test(`no operation breaks, whatever it is asked (FUZZ_SEED=${seed})`, async (t) => {
  const app = await startApp(t, {
    env: { API_REQUESTS_PER_MINUTE: '9999999', DNS_RESOLVERS: '127.0.0.1:9,127.0.0.2:9' },
  });
  const ids = await idsOf(app);
  const operator = await operatorApi(app);
  const admin = await signInToApi(app, 'ian@initech.test');
  const callers: readonly Api[] = [operator, operator, admin.api];

  for (const { id, method, url } of operations) {
    const { parameters = [], requestBody } = (openApi.paths[url]?.[method.toLowerCase()] ?? {}) as Described;
    const path = fc.record(
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === 'path')
          .map(({ name, schema }) => [
            name,
            fc.oneof(fc.constantFrom(...(ids[name] ?? ['x'])), valueFor(schema)),
          ]),
      ),
    );
    const query = fc.record(
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === 'query')
          .map(({ name, schema }) => [name, valueFor(schema)]),
      ),
      { requiredKeys: [] },
    );
    const body = requestBody
      ? valueFor(Object.values(requestBody.content)[0]?.schema ?? {})
      : fc.constant(undefined);
    const caller = fc.constantFrom(...callers);
    await fc.assert(
      fc.asyncProperty(path, query, body, caller, async (params, asked, sent, api) => {
        const filled = url.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
          encodeURIComponent(textOf(params[name])),
        );
        const pairs = Object.entries(asked).map(([name, value]) => [name, textOf(value)]);
        const search = pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : '';
        const answer = await api.send(
          method,
          `${filled}${search}`,
          sent === undefined ? {} : { body: JSON.stringify(sent) },
        );
        // what is not declared becomes a 500 here: see test/support/described.ts
        if (answer.status >= 500 && answer.status !== 503)
          throw new Error(
            `${method} ${filled}${search} ${JSON.stringify(sent)}: ${answer.status} ${answer.text}`,
          );
      }),
      { seed, numRuns },
    );
    t.pass(id);
  }
  const faults = app.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  t.same(faults.slice(0, 3), [], 'nothing unexpected is in the log');
});

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** What there is: so that not all of it is missing. */
async function idsOf({
  ctx: { db },
}: TestApp): Promise<Readonly<Record<string, readonly [string, ...string[]]>>> {
  const found = async (rows: Promise<{ id: string }[]>) => {
    const ids = (await rows).map(({ id }) => id);
    return ['none', ...ids] as [string, ...string[]];
  };
  const initech = await db.selectFrom('accounts').select('id').where('slug', '=', 'initech').execute();
  const accountId = initech[0]?.id ?? 'acc_';
  return {
    account_id: [accountId],
    user_id: await found(
      db.selectFrom('memberships').select('userId as id').where('accountId', '=', accountId).execute(),
    ),
    product_id: await found(db.selectFrom('products').select('id').execute()),
    seat_id: await found(db.selectFrom('seats').select('id').execute()),
    domain_id: await found(db.selectFrom('domains').select('id').execute()),
    connection_id: await found(db.selectFrom('connections').select('id').execute()),
    invitation_id: await found(db.selectFrom('invitations').select('id').execute()),
    client_id: await found(db.selectFrom('clients').select('clientId as id').execute()),
    kid: await found(db.selectFrom('signingKeys').select('kid as id').execute()),
  };
}
