/** pysaml2 as an identity provider: Debian's Python and xmlsec1, which share no line of code with what verifies here. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { hasPysaml2, paths } from './find-peers.ts';
import { makeIdpKey } from './saml-idp.ts';

/** What it is asked to answer, and how. */
export interface Question {
  /** Our metadata: all that it knows of us. */
  readonly serviceProvider: string;
  /** The parameters as they came; without them the response answers nobody. */
  readonly request?: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Of its `create_authn_response`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Encrypts by AES-GCM, in the place of what it does by itself. */
  readonly authenticated?: boolean;
}

/** What it says, or why it refuses to. */
export interface Told {
  readonly said?: string;
  readonly refused?: string;
}

export interface Pysaml2 {
  readonly metadata: string;
  /** A response to bring to us (base64), when the request is one that it accepts. */
  respond(question: Question): Promise<Told>;
}

export async function startPysaml2(t: Test): Promise<Pysaml2> {
  if (!(await hasPysaml2())) throw new Error('install python3-pysaml2 and xmlsec1');
  const directory = await mkdtemp(join(tmpdir(), 'doorward-pysaml2-'));
  const { privatePem, certificatePem } = makeIdpKey();
  const [keyFile, certificateFile] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  await writeFile(keyFile, privatePem);
  await writeFile(certificateFile, certificatePem);
  const { ask, end } = startPython({
    ...{ entityId: 'https://pysaml2.example/metadata', ssoUrl: 'https://pysaml2.example/sso' },
    ...{ keyFile, certificateFile },
  });
  t.teardown(async () => {
    await end();
    await rm(directory, { recursive: true, force: true });
  });
  const { said, refused } = await ask({});
  if (said === undefined) throw new Error(refused);
  return { metadata: said, respond: ask };
}

function startPython(own: object) {
  const script = new URL('./pysaml2.py', import.meta.url).pathname;
  const child = spawn(paths.python, [script, JSON.stringify(own)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin' },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    // one after the other: an answer is the next line
    ask: async (question: object): Promise<Told> => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { done, value } = await lines.next();
      if (done) throw new Error('Python has ended');
      return JSON.parse(value) as Told;
    },
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}
