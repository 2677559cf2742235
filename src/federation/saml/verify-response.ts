/** One response, verified: the order of the checks is the order of what may be believed. */
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { Verified } from '../connector.ts';
import { readAssertion } from './assertion.ts';
import { openAssertion } from './decrypt.ts';
import type { SamlQuestion } from './question.ts';
import { refusalOf } from './refusing.ts';
import { readEnvelope } from './response.ts';
import { checkPolicy, readSignedAssertion } from './verify-signature.ts';

/** Who came, or the first check that said no. Whatever else is thrown is a bug. */
export async function verifyResponse(question: SamlQuestion): Promise<Verified | Refusal> {
  try {
    const envelope = readEnvelope(question);
    const { carried, decryptionKey } = openAssertion(envelope, question);
    checkPolicy(question, carried);
    return readAssertion(await readSignedAssertion({ question, carried, decryptionKey }), question);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) return refusal;
    throw error;
  }
}
