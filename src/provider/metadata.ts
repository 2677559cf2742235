/** Discovery and keys change only with the engine's instance, and cost as much as a token: rendered once, then served from memory. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import inject from 'light-my-request';

export interface ServedDocument {
  readonly body: Buffer;
  readonly etag: string;
}

export const documentPaths = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/jwks',
];

/** Asks the engine itself, over no wire. */
export async function readMetadata(
  issuer: string,
  callback: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
): Promise<ReadonlyMap<string, ServedDocument>> {
  const { host, protocol } = new URL(issuer);
  const headers = { host, 'x-forwarded-host': host, 'x-forwarded-proto': protocol.slice(0, -1) };
  const dispatch = (req: unknown, res: unknown): void =>
    void callback(req as IncomingMessage, res as ServerResponse);
  const documents = await Promise.all(
    documentPaths.map(async (url): Promise<[string, ServedDocument]> => {
      const answer = await inject(dispatch, { method: 'GET', url, headers });
      if (answer.statusCode !== 200) throw new Error(`the engine answers ${answer.statusCode} to ${url}`);
      const etag = `"${createHash('sha256').update(answer.rawPayload).digest('base64url').slice(0, 22)}"`;
      return [url, { body: answer.rawPayload, etag }];
    }),
  );
  return new Map(documents);
}
