/** This service as a SAML service provider: for each connection another one, with addresses and keys of its own. */
import type { Context } from '../../context.ts';
import {
  type ConnectionKey,
  listConnectionKeys,
  openConnectionKey,
  type SamlConnection,
} from '../../core/connections/connections.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { algorithms, bindings, metadata, protocol, signature } from './names.ts';
import { escapeXml, signXml } from './write-xml.ts';

export interface ServiceProvider {
  /** Its name, and where its metadata is. */
  readonly entityId: string;
  /** Where identity providers post their answers to: the assertion consumer service. */
  readonly acsUrl: string;
}

/** No two connections share a name or an address: what is meant for one of them is refused by every other. */
export function serviceProviderOf(issuer: string, id: ConnectionId): ServiceProvider {
  const base = `${issuer}/federation/${id}`;
  return { entityId: `${base}/metadata`, acsUrl: `${base}/acs` };
}

/** An address that a browser may be sent to: https; or http on this machine, where that is allowed. */
export function isUsableAddress(address: string, allowHttp: boolean): boolean {
  const url = address.length <= 2000 ? URL.parse(address) : null;
  if (url?.username !== '' || url.password !== '' || url.hash !== '') return false;
  if (url.protocol === 'https:') return true;
  return allowHttp && url.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
}

/**
 * What an identity provider has to know of us: addresses, and the certificates of the keys in use and of those to come,
 * so that it knows a key before it meets it.
 */
export async function serviceProviderMetadata(
  ctx: Pick<Context, 'config' | 'db'>,
  connection: SamlConnection,
  { signed = false }: { readonly signed?: boolean } = {},
): Promise<string> {
  const keys = await listConnectionKeys(ctx.db, connection.id);
  const serviceProvider = serviceProviderOf(ctx.config.issuer, connection.id);
  const xml = writeMetadata({ connection, serviceProvider, keys });
  const key = signed && keys.find(({ use, state }) => use === 'signing' && state === 'current');
  return key ? signXml(xml, { privateKey: openConnectionKey(ctx.config, key), place: 'first' }) : xml;
}

interface Description {
  readonly connection: SamlConnection;
  readonly serviceProvider: ServiceProvider;
  readonly keys: readonly ConnectionKey[];
}

/** @see SAML 2.0 Metadata §2.4.4 */
function writeMetadata({ connection, serviceProvider, keys }: Description): string {
  const { encryption, signaturePolicy } = connection.settings;
  const published = keys.filter(({ use }) => use === 'signing' || encryption);
  return [
    `<md:EntityDescriptor xmlns:md="${metadata}" xmlns:ds="${signature}" ID="_${connection.id}" entityID="${escapeXml(serviceProvider.entityId)}">`,
    `<md:SPSSODescriptor protocolSupportEnumeration="${protocol}" AuthnRequestsSigned="true" WantAssertionsSigned="${signaturePolicy !== 'response'}">`,
    ...published.map(keyDescriptor),
    `<md:AssertionConsumerService Binding="${bindings.post}" Location="${escapeXml(serviceProvider.acsUrl)}" index="0" isDefault="true"/>`,
    '</md:SPSSODescriptor></md:EntityDescriptor>',
  ].join('');
}

/** Content first: an identity provider that takes the first one it knows takes one whose changes are noticed. */
const encryptionMethods = [...algorithms.contentAuthenticated, ...algorithms.key];

function keyDescriptor({ use, certificate }: ConnectionKey): string {
  const der = certificate.replace(/-----[A-Z ]+-----|\s/g, '');
  const methods = encryptionMethods.map((algorithm) => `<md:EncryptionMethod Algorithm="${algorithm}"/>`);
  return [
    `<md:KeyDescriptor use="${use}">`,
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`,
    ...(use === 'encryption' ? methods : []),
    '</md:KeyDescriptor>',
  ].join('');
}
