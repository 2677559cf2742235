/** Who somebody is at an identity provider, as verified by a connector. Strings of others: bounded, never trusted as markup. */
export interface ExternalIdentity {
  /** The SAML entity id or the `iss`. */
  readonly issuer: string;
  /** Stable and unique at the issuer; 1 to 255 characters. */
  readonly subject: string;
  /** Everything asserted that could be mapped, by attribute or claim name; at most 500 values of 1000 characters. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** When the person proved themself there, RFC 3339; absent when it was not said. */
  readonly authenticatedAt?: string;
  /** How, in the words of the identity provider: `amr`, and `acr` or the AuthnContextClassRef. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Its name for the session there: `sid` or SessionIndex. */
  readonly sessionId?: string;
  /** When the session here must end, RFC 3339 (SessionNotOnOrAfter). */
  readonly sessionEndsAt?: string;
}

/** The fields that a user is made of, after the mapping. */
export interface MappedIdentity {
  /** As asserted, not canonical yet. */
  readonly email?: string;
  readonly name?: string;
  /** Undefined when the identity provider said that there are more groups than it sent (Entra ID): then nothing follows. */
  readonly groups?: readonly string[];
}
