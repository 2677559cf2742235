/** security.md OA-01, OA-17: which addresses a client may name. */
import t from 'tap';
import { redirectProblem, webProblem } from '../../src/core/clients/uris.ts';

const kinds = (['web', 'native'] as const).flatMap((applicationType) =>
  [true, false].map((production) => ({ applicationType, production })),
);

const nowhere = [
  '',
  '/callback',
  'callback',
  '//a.test/callback',
  'https://',
  'https:///',
  'https://a.test/callback#',
  'https://a.test/callback#part',
  'https://ada@a.test/callback',
  'https://ada:secret@a.test/callback',
  'https://@a.test/callback',
  'https://a.test@evil.test/',
  'https://*.a.test/callback',
  'https://a.test/*',
  'https://a.test/callback?next=*',
  'https://A.test/callback',
  'HTTPS://a.test/callback',
  'https://a.test:443/callback',
  'https://a.test/a/../callback',
  'https://a.test/%2e%2e/callback',
  'https://a.test/.;/../callback',
  'https://a.test\\@evil.test/callback',
  'https://a.test\\callback',
  'https://a.test/call back',
  'https://a.test/callback ',
  ' https://a.test/callback',
  'https://a.test/call\tback',
  'https://a.test/callback\r\nset-cookie: a=b',
  'https://a.test/\0',
  'https://ä.test/callback',
  'https://a.test/ä',
  'https://а.test/callback',
  'https://a。test/callback',
  'https://0x7f.1/callback',
  'https://2130706433/callback',
  'https://[::ffff:127.0.0.1]/callback',
  'https://a.test/<script>',
  'https://a.test/"onload',
  'https:a.test/callback',
  'https:/a.test/callback',
  'javascript:alert(1)',
  'javascript://a.test/%0aalert(1)',
  'JavaScript:alert(1)',
  'data:text/html,a',
  'vbscript:a',
  'file:///etc/passwd',
  'blob:https://a.test/1',
  'about:blank',
  'ftp://a.test/callback',
  'ws://a.test/callback',
  'urn:a:b',
  'myapp:/callback',
  'myapp://callback',
];

t.test('where nobody may be sent, whatever the client is', (t) => {
  for (const uri of nowhere) {
    for (const kind of kinds) t.type(redirectProblem(uri, kind), 'string', `${uri} ${JSON.stringify(kind)}`);
    for (const production of [true, false]) t.type(webProblem(uri, { production }), 'string', uri);
  }
  t.end();
});

t.test('where a web client may have them sent', (t) => {
  const anywhere = [
    'https://a.test',
    'https://a.test/',
    'https://a.test/callback?a=b&a=b',
    'https://a.test:8443/callback',
    'https://xn--4ca.test/callback',
    'https://a.test/..;/callback',
    'http://localhost:3000/callback',
    'http://127.0.0.1/callback',
    'http://[::1]:80801/callback'.replace('80801', '8080'),
  ];
  for (const production of [true, false]) {
    const kind = { applicationType: 'web', production } as const;
    for (const uri of anywhere) t.equal(redirectProblem(uri, kind), undefined, uri);
    for (const uri of ['com.example.app:/callback', 'myapp:/callback'])
      t.type(redirectProblem(uri, kind), 'string', uri);
    t.equal(redirectProblem('http://a.test/callback', kind) === undefined, !production);
    t.equal(redirectProblem('http://127.0.0.1.a.test/callback', kind) === undefined, !production);
  }
  t.end();
});

t.test('where a native client may have them sent', (t) => {
  for (const production of [true, false]) {
    const kind = { applicationType: 'native', production } as const;
    const fine = [
      'https://a.test/callback',
      'http://127.0.0.1/callback',
      'http://127.0.0.1:8080/callback',
      'http://[::1]/callback',
      'http://localhost/callback',
      'com.example.app:/callback',
      'com.example.app://callback',
    ];
    for (const uri of fine) t.equal(redirectProblem(uri, kind), undefined, uri);
    const wrong = [
      'http://a.test/callback',
      'http://127.0.0.2/callback',
      'https://localhost/callback',
      'https://127.0.0.1/callback',
      'https://[::1]/callback',
      'com.example.app://ada@callback',
      'com.example.app:/callback#',
      'COM.example.app:/callback',
      '.app:/callback',
    ];
    for (const uri of wrong) t.type(redirectProblem(uri, kind), 'string', uri);
  }
  t.end();
});

t.test('the addresses of a client on the web are https; on loopback while it is made', (t) => {
  for (const production of [true, false]) {
    t.equal(webProblem('https://a.test/logo.svg', { production }), undefined);
    t.type(webProblem('http://a.test/logo.svg', { production }), 'string');
    t.type(webProblem('com.example.app:/callback', { production }), 'string');
    t.equal(webProblem('http://127.0.0.1:3000/a', { production }) === undefined, !production);
  }
  t.end();
});
