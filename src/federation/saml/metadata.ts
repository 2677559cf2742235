/**
 * What an identity provider publishes of itself, read with distrust: it comes from an address or a person, and decides
 * whose signatures are believed. A signature in it is not looked at. Whoever hands it over vouches for it: the address by
 * TLS, the admin by their sign-in; and every byte that is read here is a byte that they gave.
 * @see SAML 2.0 Metadata §2
 */
import type { IdpCertificate, SamlPublished } from '../../core/connections/connections.ts';
import { Failure } from '../../kernel/failures.ts';
import { day, earliest, hour, minute } from '../../kernel/time.ts';
import { readCertificate } from './certificates.ts';
import { bindings, ds, md, protocol } from './names.ts';
import { refusalOf } from './refusing.ts';
import { isUsableAddress } from './service-provider.ts';
import { parseTime } from './times.ts';
import {
  checkSize,
  childrenNamed,
  elementsOf,
  isNamed,
  parseXml,
  type XmlElement,
  type XmlLimits,
} from './xml.ts';

export interface MetadataOptions {
  /** Which of several. Pins the only one, too: another is refused. */
  readonly entityId?: string;
  readonly now: Date;
  /** Takes addresses with http on loopback: in development and in tests. */
  readonly allowHttp: boolean;
}

export interface IdpMetadata {
  readonly entityId: string;
  readonly published: SamlPublished;
  /** How long it asks to be believed without being fetched again. */
  readonly cacheSeconds?: number;
}

const limits: XmlLimits = {
  bytes: 512 * 1024,
  elements: 20_000,
  depth: 50,
  attributes: 60,
  // generated and hand-kept metadata begins with one that says who made it; no signature in it is believed
  commentsBetweenElements: true,
};
const mostCertificates = 10;

/** Failure `metadata_refused` when it is not that of exactly one SAML 2.0 identity provider, or not to be relied on. */
export function parseSamlMetadata(xml: string, options: MetadataOptions): IdpMetadata {
  try {
    checkSize(Buffer.from(xml), limits);
    return readMetadata(parseXml(xml.replace(/^\ufeff/, ''), limits), options);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) refuse(refusal.detail ?? refusal.refused, error);
    throw error;
  }
}

function refuse(detail: string, cause?: unknown): never {
  throw new Failure('metadata_refused', { detail, cause });
}

function readMetadata(root: XmlElement, options: MetadataOptions): IdpMetadata {
  const { entity, around } = chooseEntity(root, options.entityId);
  const entityId = entity.attributes.get('entityID') ?? '';
  if (entityId === '' || entityId.length > 1000) refuse('There is no entityID, or a very long one.');
  const descriptor = findDescriptor(entity);
  const path = [...around, entity, descriptor];
  const validUntil = readValidUntil(path, options.now);
  const cacheSeconds = readCacheSeconds(path);
  return {
    entityId,
    published: {
      ...readEndpoint(descriptor, options.allowHttp),
      certificates: readCertificates(descriptor),
      validUntil: validUntil?.toISOString() ?? null,
    },
    ...(cacheSeconds !== undefined && { cacheSeconds }),
  };
}

interface Chosen {
  readonly entity: XmlElement;
  /** The aggregates it stands in: their times are its times. */
  readonly around: readonly XmlElement[];
}

function chooseEntity(root: XmlElement, entityId: string | undefined): Chosen {
  const isOne = isNamed(root, md('EntityDescriptor'));
  if (!isOne && !isNamed(root, md('EntitiesDescriptor'))) refuse('This is not SAML metadata.');
  const all = isOne ? [{ entity: root, around: [] }] : entitiesIn(root, []);
  const chosen =
    entityId === undefined ? all : all.filter(({ entity }) => entity.attributes.get('entityID') === entityId);
  const [first, second] = chosen;
  if (!first) refuse(entityId === undefined ? 'It is empty.' : `It is not that of ${entityId}.`);
  if (second) refuse('It has several identity providers: say which one, by its entityID.');
  return first;
}

function entitiesIn(aggregate: XmlElement, around: readonly XmlElement[]): Chosen[] {
  const path = [...around, aggregate];
  return aggregate.children.flatMap((child) => {
    if (isNamed(child, md('EntityDescriptor'))) return [{ entity: child, around: path }];
    return isNamed(child, md('EntitiesDescriptor')) ? entitiesIn(child, path) : [];
  });
}

function findDescriptor(entity: XmlElement): XmlElement {
  const speaksSaml2 = ({ attributes }: XmlElement) =>
    (attributes.get('protocolSupportEnumeration') ?? '').split(/\s+/).includes(protocol);
  const [descriptor, second] = childrenNamed(entity, md('IDPSSODescriptor')).filter(speaksSaml2);
  return descriptor && !second ? descriptor : refuse('It is not that of an identity provider of SAML 2.0.');
}

function readValidUntil(path: readonly XmlElement[], now: Date): Date | undefined {
  const ends = path.flatMap(({ attributes }) => attributes.get('validUntil') ?? []);
  const end = earliest(...ends.map((text) => parseTime(text, 'validUntil')));
  if (end && end <= now) refuse('It has expired (validUntil).');
  return end;
}

const duration =
  /^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/;
const units = [365 * day, 30 * day, day, hour, minute, 1];

/** The shortest; what is no duration counts as none. */
function readCacheSeconds(path: readonly XmlElement[]): number | undefined {
  const found = path.flatMap(({ attributes }) => {
    const match = duration.exec(attributes.get('cacheDuration') ?? '');
    return match ? [units.reduce((sum, unit, at) => sum + unit * Number(match[at + 1] ?? 0), 0)] : [];
  });
  return found.length > 0 ? Math.min(...found) : undefined;
}

/** Where people are sent: by redirect where that is offered. An address that could run or downgrade something is none. */
function readEndpoint(descriptor: XmlElement, allowHttp: boolean): Pick<SamlPublished, 'ssoUrl' | 'binding'> {
  const services = childrenNamed(descriptor, md('SingleSignOnService'));
  for (const binding of ['redirect', 'post'] as const) {
    const service = services.find(({ attributes }) => attributes.get('Binding') === bindings[binding]);
    const ssoUrl = service?.attributes.get('Location');
    if (ssoUrl === undefined) continue;
    if (!isUsableAddress(ssoUrl, allowHttp)) refuse('The address of its sign-in must be an https URL.');
    return { ssoUrl, binding };
  }
  return refuse('It has no sign-in by redirect or by POST.');
}

const problems = {
  not_a_certificate: 'One of its certificates cannot be read.',
  weak_key: 'One of its keys is shorter than 2048 bits.',
  oversized_key: 'One of its keys is longer than 8192 bits.',
} as const;

/** Those it signs with. Keys that are not RSA are left out: nothing signed with them could be verified. */
function readCertificates(descriptor: XmlElement): IdpCertificate[] {
  const texts = childrenNamed(descriptor, md('KeyDescriptor'))
    .filter(({ attributes }) => (attributes.get('use') ?? 'signing') === 'signing')
    .flatMap((key) => [...elementsOf(key)].filter((element) => isNamed(element, ds('X509Certificate'))))
    .map(({ text }) => text);
  if (texts.length > mostCertificates) refuse(`It has more than ${mostCertificates} certificates.`);
  const read = texts.map(readCertificate).filter((certificate) => certificate !== 'other_key');
  for (const problem of read) if (typeof problem === 'string') refuse(problems[problem]);
  const certificates = read.filter((certificate) => typeof certificate !== 'string');
  if (certificates.length === 0) refuse('It has no RSA certificate to verify its signatures with.');
  return certificates.filter(
    ({ fingerprint }, at) => certificates.findIndex((other) => other.fingerprint === fingerprint) === at,
  );
}
