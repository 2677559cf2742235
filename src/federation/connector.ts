/**
 * The seam to identity providers: a connector speaks one protocol and knows nothing of users. It takes a browser there
 * and says who came back; whether that is anybody here is decided elsewhere.
 */
import type { Context } from '../context.ts';
import type { Refusal } from '../core/attempts/attempts.ts';
import type { ExternalIdentity } from '../core/connections/connections.ts';

/** What is asked of the identity provider. */
export interface Ask {
  /** 256 bits, base64url: the `state`, and what the id of a SAML request is made of. Comes back once. */
  readonly token: string;
  readonly loginHint?: string | undefined;
  /** The person must prove themself again (`prompt=login`, a step up). */
  readonly forceAuthn: boolean;
  /** At most so many seconds may have passed since they did. */
  readonly maxAge?: number | undefined;
}

/** Where the browser goes, and what has to be remembered until it comes back. */
export interface Way {
  /** The identity provider's address with the request in it; or, for a form, the form's address. */
  readonly location: string;
  /** Present when the request is posted: the fields of the form. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sealed with the departure and handed to `verify`: nonce, verifier, what was asked. */
  readonly memory: Memory;
}

export interface Memory {
  readonly nonce?: string;
  readonly codeVerifier?: string;
  /** RFC 3339: no proof before this moment will do. */
  readonly notBefore?: string;
}

/** What was verified; the times and ids that make it single use are for the caller to consume, in one transaction. */
export interface Verified<Identity extends ExternalIdentity = ExternalIdentity> {
  readonly identity: Identity;
  /** Of the assertion, where the protocol has one: used once per connection, until then. */
  readonly assertion?: { readonly id: string; readonly expiresAt: Date };
}

export interface Connector<Of, Response, Identity extends ExternalIdentity = ExternalIdentity> {
  /** Refused when the identity provider cannot be asked, such as when its metadata does not answer. */
  depart(ctx: Context, of: Of, ask: Ask): Promise<Way | Refusal>;
  /** Verifies what came back to what was asked. Consumes nothing, and never throws for what others have sent. */
  verify(ctx: Context, of: Of, returned: Returned<Response>): Promise<Verified<Identity> | Refusal>;
}

export interface Returned<Response> {
  readonly response: Response;
  /** Undefined for a response that nobody asked for. */
  readonly ask: Pick<Ask, 'token' | 'forceAuthn' | 'maxAge'> | undefined;
  readonly memory: Memory;
}

export function isRefusal(answer: object): answer is Refusal {
  return 'refused' in answer;
}
