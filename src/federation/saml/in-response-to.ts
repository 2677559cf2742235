/** What a response says it answers, read before anything is verified, to find what it has to be held against. */
import { SaxesParser } from 'saxes';

/** In base64; the first tag is within it, or the response is refused for its size anyway. */
const prefix = 16 * 1024;

/**
 * The token (`Ask.token`) of the request it says it answers; undefined when it answers none, or cannot be read. A claim
 * and no more: `verify` compares. Looks at the first tag alone, whatever the length of the response.
 */
export function readInResponseTo(samlResponse: string): string | undefined {
  const text = Buffer.from(samlResponse.slice(0, prefix), 'base64').toString('utf8');
  const parser = new SaxesParser({ xmlns: false, position: false });
  let found: string | undefined;
  parser.on('error', stop);
  parser.on('doctype', stop);
  parser.on('opentag', ({ attributes }) => {
    found = attributes['InResponseTo'];
    stop();
  });
  try {
    parser.write(text);
  } catch {
    // stopped, or not XML
  }
  return found?.replace(/^_/, '');
}

function stop(): never {
  throw new Error('enough');
}
