/** What relying parties see at the issuer: this very service. */
import type { Context } from '../../context.ts';
import { RefusedRequest } from '../../fetch.ts';
import { createEngineHtml } from '../../pages/engine.ts';
import { createLook } from '../../pages/look.ts';
import { documentPaths } from '../../provider/metadata.ts';
import { renderDocuments } from '../../provider/engines.ts';
import { type Check, failed, type Finding, passed, reasonOf, warning } from './finding.ts';

export const issuerChecks: readonly Check[] = [{ name: 'issuer', needsDatabase: true, look: lookAtIssuer }];

async function lookAtIssuer(ctx: Context): Promise<Finding[]> {
  const { issuer, brand } = ctx.config;
  const ours = await renderDocuments(ctx, createEngineHtml(createLook(brand)));
  const findings: Finding[] = [];
  for (const path of documentPaths) {
    const url = `${issuer}${path}`;
    try {
      const theirs = await readJson(ctx, url);
      const own = JSON.parse(String(ours.get(path)?.body ?? '{}')) as object;
      findings.push(compare(url, own, theirs));
    } catch (error) {
      return [...findings, unreadable(url, error)];
    }
  }
  return findings;
}

async function readJson(ctx: Context, url: string): Promise<object> {
  const response = await ctx.fetch(url, { headers: { accept: 'application/json' } });
  if (response.status !== 200) throw new UnexpectedStatus(response.status);
  return (await response.json()) as object;
}

class UnexpectedStatus extends Error {
  override readonly name = 'status';
  readonly code: string;
  constructor(status: number) {
    super(`status ${status}`);
    this.code = String(status);
  }
}

function unreadable(url: string, error: unknown): Finding {
  if (error instanceof RefusedRequest) {
    const remedy = 'Nothing may be wrong: look at the address from outside.';
    return warning('issuer', `${url} is not looked at from here: ${error.message}`, remedy);
  }
  const remedy = 'Is the service running, and does its proxy lead ISSUER to it?';
  return failed('issuer', `${url} cannot be read: ${reasonOf(error)}`, remedy);
}

/** The order of members and of keys does not matter. */
function compare(url: string, ours: object, theirs: object): Finding {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const [own, other] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))];
  const different = names.filter((name) => sorted(own.get(name)) !== sorted(other.get(name)));
  if (different.length === 0) return passed('issuer', `${url} says what it should`);
  const remedy =
    'Another service answers there, or one with other settings, another database or another version.';
  return failed('issuer', `${url} says something else about ${different.join(', ')}`, remedy);
}

function sorted(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.map((item) => JSON.stringify(item)).sort() : [value]);
}
