/** Questions to a provider's servers. What they answer is untrusted: of their complaints only error codes are kept. */
import type { Context } from '../../context.ts';
import type { RefusalCode } from '../../core/attempts/attempts.ts';
import { send } from '../oidc/published.ts';
import { errorCode, judge, type Judged, refuse } from '../oidc/refusing.ts';
import type { Members } from './provider.ts';

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
  readonly address: string;
  /** The refusal when it answers with anything else than was asked for. */
  readonly otherwise: RefusalCode;
}

/** A JSON object from the provider; an error in a body counts, whatever the status says (GitHub's is 200). */
export async function askJson(ctx: Context, question: Question): Promise<Judged<Members>> {
  const answered = await askAny(ctx, question);
  if ('refused' in answered) return answered;
  const { answer } = answered;
  if (!isMembers(answer)) return { refused: question.otherwise, detail: 'did not answer with an object' };
  if ('error' in answer) return { refused: question.otherwise, detail: `answered ${errorIn(answer)}` };
  return { answer };
}

/** JSON of any kind, answered with 200. */
export async function askAny(
  ctx: Context,
  { address, otherwise, headers, ...request }: Question,
): Promise<Judged<unknown>> {
  // GitHub answers nobody who does not name themself; and its token endpoint writes a form unless asked not to
  const init = {
    ...request,
    headers: { accept: 'application/json', 'user-agent': 'doorward', ...headers },
  };
  return judge(otherwise, async () => {
    const response = await send(ctx, address, init);
    const body: unknown = await response.json().catch(() => undefined);
    const { status } = response;
    if (status >= 500) refuse('idp_not_reachable', `answered ${status}`);
    if (status !== 200)
      refuse(otherwise, `answered ${status} ${isMembers(body) ? errorIn(body) : ''}`.trim());
    if (body === undefined) refuse(otherwise, 'did not answer with JSON');
    return body;
  });
}

/** RFC 6749 §5.2 has a word there, and Facebook an object with a type and a number. */
function errorIn({ error }: Members): string {
  if (!isMembers(error)) return errorCode(typeof error === 'string' ? error : null);
  const { type, code } = error;
  return `${errorCode(typeof type === 'string' ? type : null)} ${typeof code === 'number' ? code : ''}`.trim();
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON of others that should be an object; anything else is one without members. */
export function parseMembers(text: unknown): Members {
  try {
    const value: unknown = JSON.parse(String(text));
    return isMembers(value) ? value : {};
  } catch {
    return {};
  }
}
