/** From the claims of a verified ID token to who somebody is. Strings of others: bounded, and storable. */
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { ExternalIdentity, OidcSettings } from '../../core/connections/connections.ts';

export type Claims = Readonly<Record<string, unknown>>;

const most = { values: 500, length: 1000, subject: 255 };

/** About the token and not about the person. */
const ofTheToken = new Set(
  'iss aud azp exp iat nbf jti nonce at_hash c_hash s_hash auth_time amr acr sid'.split(' '),
);

/** `proven` names the person and says how they proved it; `more` was asked for besides, and only adds attributes. */
export function identityOf(
  settings: Pick<OidcSettings, 'subject'>,
  proven: Claims,
  more: Claims = {},
): ExternalIdentity | Refusal {
  const { iss: issuer, auth_time: authTime, acr, sid } = proven;
  const subject = subjectOf(settings, proven);
  if (subject === undefined) return { refused: 'oidc_subject', detail: settings.subject.join(' ') };
  if (!isText(issuer)) return { refused: 'oidc_issuer', detail: 'iss cannot be stored' };
  return {
    issuer,
    subject,
    attributes: attributesOf({ ...more, ...proven }),
    ...(typeof authTime === 'number' && { authenticatedAt: new Date(authTime * 1000).toISOString() }),
    amr: [proven['amr']].flat().filter(isText).slice(0, 20),
    ...(isText(acr) && { acr }),
    ...(isText(sid) && { sessionId: sid }),
  };
}

/**
 * What names somebody for good: the value of one claim, or the values of several as a JSON array, so that no two lists
 * of values read alike. Undefined unless each is there, and usable.
 */
export function subjectOf(
  { subject: names }: Pick<OidcSettings, 'subject'>,
  claims: Claims,
): string | undefined {
  const values = names.map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined));
  if (!values.every(isText)) return undefined;
  const subject = values.length === 1 ? values[0] : JSON.stringify(values);
  return subject !== undefined && subject.length <= most.subject ? subject : undefined;
}

/**
 * Texts, and numbers and truths as text. Values that cannot be stored are left out, never cut: half a name of a group
 * may be the name of another. A claim with more values than are taken is left out as a whole and marked `….link`, the
 * sign for "there are more": whoever reads the groups must not take some for all.
 */
export function attributesOf(claims: Claims): ExternalIdentity['attributes'] {
  const attributes = new Map<string, readonly string[]>();
  let room = most.values;
  for (const [name, value] of Object.entries(claims)) {
    if (ofTheToken.has(name) || !isText(name)) continue;
    const values = textsOf(name, value);
    if (values === undefined) continue;
    if (attributes.size >= most.values) {
      // claims without end are not even named any more; Entra ID's word for it stands for whatever they were
      attributes.set('hasgroups', ['true']);
      break;
    }
    const fits = values.length <= room;
    attributes.set(fits ? name : `${name}.link`, fits ? values : ['more']);
    if (fits) room -= values.length;
  }
  return Object.fromEntries(attributes);
}

/** Undefined for what is neither text nor a list of it. Entra ID's `_claim_names` tells by its members what is not sent. */
function textsOf(name: string, value: unknown): string[] | undefined {
  if (name === '_claim_names') return Object.keys(value ?? {}).filter(isText);
  const isList = Array.isArray(value);
  const texts = [value]
    .flat()
    .filter((one) => ['string', 'number', 'boolean'].includes(typeof one))
    .map(String)
    .filter(isText);
  return texts.length > 0 || isList ? texts : undefined;
}

/** No control characters, which forge lines in logs and mails, and nothing the database cannot keep. */
export function isText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= most.length &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}
