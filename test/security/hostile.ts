/** What somebody sends who wants to see the service fall: to any endpoint, made from what its row takes. */
import type { RawRequest } from '../support/raw-http.ts';
import type { Endpoint, Fields, Place } from './surface.ts';

export interface Attack {
  readonly label: string;
  readonly request: RawRequest;
  /** Must be refused with one of these; without it, it must only do no harm. */
  readonly refused?: readonly number[];
}

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const kilobyte = 'canary'.repeat(170).slice(0, 1024);

/** Everything of it for one endpoint, from where the browser stands. */
export function* attacksOn(endpoint: Endpoint, place: Place): Generator<Attack> {
  yield* onPath(endpoint);
  yield* onHeaders(endpoint, place);
  if (endpoint.method === 'POST') {
    yield* onEncoding(endpoint, place);
    yield* onForm(endpoint, place);
    yield* onTypes(endpoint, place);
  } else {
    yield* onQuery(endpoint, place);
  }
}

/** Texts that break parsers, databases, headers, log lines and regular expressions. */
const hostileTexts: readonly string[] = [
  '',
  ' canary',
  '\0canary',
  'canary\uFFFF\u202E\u200B',
  'canary\r\nset-cookie: canary=1',
  'canary\u2028\n{"level":60}\u001b[31m',
  "canary'; drop table users; --",
  '"><script>canary()</script>',
  '${canary} {{canary}} %s %n',
  '../../canary/../etc/passwd',
  'http://evil.test/canary',
  '//evil.test/canary',
  'javascript:canary()',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '9'.repeat(400),
  '1e309',
  'NaN',
  '[]',
  '{"__proto__":{"polluted":1}}',
  '['.repeat(5000),
  'eyJhbGciOiJub25lIn0.e30.',
  'ﷺ'.repeat(300),
  '😀'.repeat(500),
  '@'.repeat(5000),
  'a.'.repeat(2500),
  ' '.repeat(5000),
];

/** What cannot be said in a form's text: JSON only, or bytes that are no characters. */
const wrongTypes: readonly string[] = [
  'null',
  '0',
  '1e999',
  '[]',
  '["canary"]',
  '{}',
  '{"toString":"canary"}',
  '{"length":1,"0":"canary"}',
  '[[[[[["canary"]]]]]]',
];
const halfTexts: readonly string[] = ['"\\ud800canary"', '"canary\\udc00"', '"\\u0000"'];

const brokenEncodings: readonly string[] = [
  '%',
  '%zz',
  '%ff',
  '%c0%80',
  '%E0%A4%A',
  '%00',
  '%u0000',
  '%0d%0aset-cookie:%20canary=1',
];

const cookies: readonly string[] = [
  'canary',
  '=; ;;=;canary=',
  'doorward_session=',
  'doorward_session=canary; doorward_session.sig=canary',
  'doorward_session=%00; doorward_interaction=%ff%zz; doorward_resume="canary',
  'doorward_interaction=__proto__; doorward_interaction.sig=constructor; __proto__=canary',
  'doorward_demo=canary; doorward_demo=; doorward_interaction=canary; doorward_interaction=other',
  Array.from({ length: 300 }, (_, index) => `canary${index}=1`).join('; '),
  `doorward_session=${'canary'.repeat(1500)}`,
];

const authorizations: readonly string[] = [
  'canary',
  'Basic',
  'Basic canary',
  'Basic !!!!',
  `Basic ${btoa('canary')}`,
  `Basic ${btoa('%zz:%00')}`,
  `Basic ${btoa('demo-confidential:canary:canary')}`,
  'Bearer',
  'Bearer canary canary',
  `Bearer ${'canary'.repeat(1000)}`,
  'Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJpc3MiOiJjYW5hcnkifQ.',
  'DPoP canary',
  'Digest username="canary"',
];

function* onPath({ method, url }: Endpoint): Generator<Attack> {
  const values = [
    ...brokenEncodings,
    '',
    '..',
    '%2e%2e',
    '%2f',
    '..%2f..%2fcanary',
    '__proto__',
    'constructor',
  ];
  for (const value of [...values, '%20', '%F0%9F%98%80', '*', ';', 'a'.repeat(9000)]) {
    const path = url.replace(/:\w+/, value);
    const headers = { 'sec-fetch-site': 'same-origin' };
    if (path !== url)
      yield { label: `path ${path.slice(0, 60)}`, request: { method, path, headers }, refused: [400, 404] };
  }
}

function* onHeaders({ method, says, url }: Endpoint, place: Place): Generator<Attack> {
  const base = method === 'POST' ? { 'content-type': form, 'sec-fetch-site': 'same-origin' } : {};
  const request = (headers: RawRequest['headers']): RawRequest => ({
    method,
    path: place.path,
    headers: { ...base, ...headers },
  });
  for (const cookie of cookies)
    yield { label: `cookie ${cookie.slice(0, 60)}`, request: request({ cookie }) };
  yield {
    label: 'cookies that are too many bytes',
    request: request({ cookie: `canary=${'a'.repeat(20_000)}` }),
    refused: [431],
  };
  for (const accept of ['canary', '*/*;q=canary', 'text/html;q=0', ',,,', 'text/html,'.repeat(500)])
    yield { label: `accept ${accept.slice(0, 20)}`, request: request({ accept }) };
  if (says !== 'error' || url === '/authorize') return;
  for (const authorization of authorizations) {
    const label = `authorization ${authorization.slice(0, 40)}`;
    yield { label, request: request({ authorization, cookie: place.cookie }) };
  }
  for (const dpop of ['canary', 'a.b.c', 'e30.e30.e30', ['canary', 'canary'], 'canary'.repeat(1000)])
    yield { label: `dpop ${String(dpop).slice(0, 20)}`, request: request({ dpop }) };
}

/** Bodies that are not what their type says, and types that nothing here reads. */
function* onEncoding({ requests: [fields = {}], says }: Endpoint, place: Place): Generator<Attack> {
  const wellFormed = JSON.stringify(fields);
  const refused =
    (...statuses: number[]) =>
    (label: string, type: string | undefined, body: string | Uint8Array): Attack => ({
      label,
      request: posting(place, type, body),
      // the protocol may ask first who is there
      refused: says === 'error' ? [400, 401, 413, 415] : statuses,
    });
  const unreadable = refused(400);
  const unknown = refused(415);
  const malformed = ['{', '{"canary":', 'nul', '"canary', '\uFEFF{', "{'canary':1}", '{"a":1}}', '{"a":1,}'];
  for (const body of malformed) yield unreadable(`malformed ${body}`, json, body);
  yield unreadable('nothing', json, '');
  yield unreadable('deep', json, '['.repeat(30_000));
  yield unreadable('prototype', json, '{"__proto__":{"polluted":1}}');
  yield unreadable('constructor', json, '{"constructor":{"prototype":{"polluted":1}}}');
  const types = [
    `${json} canary`,
    `${json}, text/plain`,
    'text/plain',
    `text/plain; ${json}`,
    'text/json',
    'multipart/form-data; boundary=canary',
    'multipart/form-data',
    'application/xml',
    'application/octet-stream',
    'application/*',
    '*/*',
    'canary',
    '/',
    ';',
  ];
  for (const type of types) yield unknown(`type ${type}`, type, wellFormed);
  yield unknown('no type', undefined, wellFormed);
  for (const type of [json, form])
    yield refused(413)(`a megabyte of ${type}`, type, `{"a":"${kilobyte.repeat(1024)}"}`);
  if (says === 'error') return;
  // whatever reads these types must apply the schema: a type is no way around it
  const wrong = new Uint8Array([...Buffer.from('{"canary":"'), 0xff, 0xfe, 0x80]);
  for (const type of [
    json,
    ` ${json}`,
    `${json}\t`,
    'Application/JSON',
    `${json};charset=canary`,
    `${json};`,
  ])
    yield unreadable(`no JSON as ${type}`, type, wrong);
}

function* onForm(endpoint: Endpoint, place: Place): Generator<Attack> {
  const { hasBodySchema, headers = {} } = endpoint;
  const attack = (label: string, body: string): Attack => ({
    label,
    request: posting({ ...place, headers }, form, body),
  });
  for (const body of ['', '&&&', '=', '=canary', '__proto__=canary&__proto__[polluted]=1', 'canary[][][]=1'])
    yield attack(`form ${body}`, body);
  yield attack('ten thousand parameters', 'a=1&'.repeat(10_000));
  for (const broken of brokenEncodings) {
    yield attack(`name ${broken}`, `${broken}=canary`);
    for (const [name, fields] of targets(endpoint))
      yield attack(`${name}=${broken}`, `${encode(without(fields, name))}&${name}=${broken}`);
  }
  for (const [name, fields] of targets(endpoint)) {
    const twice = `${encode(fields)}&${name}=canary`;
    const label = `${name} twice`;
    yield { ...attack(label, twice), ...(hasBodySchema && { refused: [400] }) };
    yield attack(`${name} as a list`, encode(fields).replace(`${name}=`, `${name}[]=`));
    yield attack(`${name} of 60 kB`, encode({ ...fields, [name]: kilobyte.repeat(60).slice(0, 60_000) }));
    for (const text of hostileTexts)
      yield attack(`${name}: ${JSON.stringify(text.slice(0, 40))}`, encode({ ...fields, [name]: text }));
  }
}

/** Where a text is expected: everything else that JSON can say. */
function* onTypes(endpoint: Endpoint, place: Place): Generator<Attack> {
  const { hasBodySchema } = endpoint;
  for (const whole of ['[]', 'null', '0', '"canary"', 'true', '[{"canary":1}]']) {
    const request = posting(place, json, whole);
    yield { label: `body ${whole}`, request, ...(hasBodySchema && { refused: [400] }) };
  }
  for (const [name, fields] of targets(endpoint)) {
    const withValue = (value: string): RawRequest => {
      const others = JSON.stringify({ ...fields, [name]: undefined }).slice(1, -1);
      return posting(place, json, `{${others}${others && ','}"${name}":${value}}`);
    };
    for (const value of wrongTypes) {
      const label = `${name} is ${value}`;
      yield { label, request: withValue(value), ...(hasBodySchema && { refused: [400] }) };
    }
    for (const value of halfTexts) yield { label: `${name} is ${value}`, request: withValue(value) };
  }
}

function* onQuery(endpoint: Endpoint, { path, cookie }: Place): Generator<Attack> {
  const { method } = endpoint;
  const attack = (label: string, query: string): Attack => ({
    label,
    request: { method, path: `${path}?${query}`, headers: { cookie } },
  });
  const queries = ['', '?', '&&&', '=', '__proto__=canary', '__proto__[polluted]=1', 'a[]=1&a[]=2', '#'];
  for (const query of queries) yield attack(`query ${query}`, query);
  yield attack('a thousand parameters', 'a=1&'.repeat(1000));
  yield attack('a long query', `a=${'canary'.repeat(1200)}`);
  for (const broken of brokenEncodings) {
    yield attack(`name ${broken}`, `${broken}=canary`);
    for (const [name, fields] of targets(endpoint))
      yield attack(`${name}=${broken}`, `${encode(without(fields, name))}&${name}=${broken}`);
  }
  for (const [name, fields] of targets(endpoint)) {
    yield attack(`${name} twice`, `${encode(fields)}&${name}=canary`);
    yield attack(`${name} as a list`, encode(fields).replace(`${name}=`, `${name}[]=`));
    for (const text of hostileTexts) {
      const value = text.slice(0, 1000);
      yield attack(`${name}: ${JSON.stringify(value.slice(0, 40))}`, encode({ ...fields, [name]: value }));
    }
  }
}

interface Posting {
  readonly path: string;
  readonly cookie: string;
  readonly headers?: Fields;
}

function posting(
  { path, cookie, headers }: Posting,
  type: string | undefined,
  body: string | Uint8Array,
): RawRequest {
  const own = {
    cookie,
    'sec-fetch-site': 'same-origin',
    ...(type !== undefined && { 'content-type': type }),
  };
  return { method: 'POST', path, headers: { ...own, ...headers }, body };
}

/** Each parameter of each well-formed request, and each that may stand beside the first. */
function* targets({ requests, more }: Endpoint): Generator<[name: string, request: Fields]> {
  for (const request of requests) for (const name of Object.keys(request)) yield [name, request];
  for (const [name, value] of Object.entries(more)) yield [name, { ...requests[0], [name]: value }];
}

function encode(fields: Fields): string {
  return new URLSearchParams(fields).toString();
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name));
}
