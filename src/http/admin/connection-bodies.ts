/** What is sent to make a connection, and to change one. */
import { z } from 'zod';
import { mappingMembers, oidcMembers, oidcSource, samlMembers, samlSource } from './connection-members.ts';
import { label } from './schemas.ts';

const shownLabel = label(100).meta({ description: 'What people choose by.', examples: ['Acme'] });
/** As much as is read of metadata: see federation/saml/metadata.ts. */
const metadataXml = z
  .string()
  .min(1)
  .max(512 * 1024)
  .meta({
    description: 'Metadata that has no address: instead of `metadata_url`. Never shown.',
    examples: ['<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" …/>'],
  });
/** With all that JSON makes of quotes and line breaks. */
export const bodyLimit = 1024 * 1024;
/** RFC 6749 appendix A.2 */
const clientSecret = z
  .string()
  .max(1000)
  .regex(/^[\x20-\x7e]+$/)
  .meta({ description: 'Stored sealed, and never shown.', examples: ['the client secret'] });

const optionalMapping = z.strictObject(mappingMembers).partial().optional();

const newSaml = z
  .strictObject({
    kind: z.literal('saml'),
    label: shownLabel,
    metadata_url: samlSource.metadata_url.unwrap().optional(),
    metadata_xml: metadataXml.optional(),
    entity_id: samlSource.entity_id
      .optional()
      .meta({ description: 'Which one, where the metadata has several.' }),
    settings: z.strictObject(samlMembers).partial().optional(),
    mapping: optionalMapping,
  })
  .meta({
    examples: [{ kind: 'saml', label: 'Acme', metadata_url: 'https://idp.acme.com/metadata' }],
  });

const newOidc = z
  .strictObject({
    kind: z.literal('oidc'),
    label: shownLabel,
    ...oidcSource,
    client_secret: clientSecret.optional(),
    settings: z.strictObject(oidcMembers).partial().optional(),
    mapping: optionalMapping,
  })
  .meta({
    examples: [
      {
        kind: 'oidc',
        label: 'Acme',
        issuer: 'https://login.acme.com',
        client_id: 'doorward',
        client_secret: 's3cret',
      },
    ],
  });

export const newConnection = z.discriminatedUnion('kind', [newSaml, newOidc]);
export type NewBody = z.output<typeof newConnection>;

/** Null is the default again. */
function clearable<Members extends z.ZodRawShape>(members: Members) {
  const entries = Object.entries(members).map(([name, member]) => [
    name,
    (member as z.ZodType).nullable().optional(),
  ]);
  return z.strictObject(
    Object.fromEntries(entries) as { [Name in keyof Members]: z.ZodOptional<z.ZodNullable<Members[Name]>> },
  );
}

/** Of SAML, as a patch of its own; or of OpenID Connect. */
const eitherSubject = z.union([
  z.strictObject({
    from: z.enum(['name_id', 'attribute']).optional(),
    name: z.string().max(500).nullable().optional(),
  }),
  oidcMembers.subject,
]);

/** Of both kinds: which members there are depends on the connection, and the core refuses the others. */
export const revision = z
  .strictObject({
    label: shownLabel.optional(),
    ...clearable(samlSource).shape,
    ...clearable(oidcSource).shape,
    metadata_xml: metadataXml.optional(),
    client_secret: clientSecret.optional(),
    settings: clearable({ ...samlMembers, ...oidcMembers, subject: eitherSubject }).optional(),
    mapping: clearable({
      ...mappingMembers,
      roles: z.record(z.string(), z.enum(['admin', 'agent']).nullable()),
      products: z.record(z.string(), mappingMembers.everybodys_products.nullable()),
    }).optional(),
  })
  .meta({ examples: [{ label: 'Acme', settings: { signature_policy: 'both' } }] });
export type RevisionBody = z.output<typeof revision>;
