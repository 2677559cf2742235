/** What an admin decides about a connection, described. What is right is decided by the core. */
import { z } from 'zod';
import {
  clientAuthMethods,
  idpInitiatedModes,
  idTokenAlgorithms,
  signaturePolicies,
} from '../../core/connections/connections.ts';
import { shownId } from './schemas.ts';

const text = (max: number) => z.string().min(1).max(max);
const texts = (max: number, most: number) => z.array(text(max)).max(most);

const fromNameId = z.strictObject({ from: z.literal('name_id') });
const fromAttribute = z.strictObject({ from: z.literal('attribute'), name: text(500) });

/** Who the identity provider is. */
export const samlSource = {
  entity_id: text(1000).meta({
    description: 'Pinned: a refresh that brings another one is refused.',
    examples: ['https://idp.acme.com/metadata'],
  }),
  metadata_url: text(1000)
    .nullable()
    .meta({
      description: 'Where its metadata is fetched again every day; null when it was handed over.',
      examples: ['https://idp.acme.com/metadata'],
    }),
};

export const oidcSource = {
  issuer: text(1000).meta({ examples: ['https://login.acme.com'] }),
  client_id: text(500).meta({ examples: ['doorward'] }),
};

export const samlMembers = {
  signature_policy: z.enum(signaturePolicies).meta({
    description: 'Which signatures must be there; one that is there must verify, whatever this says.',
    examples: ['either'],
  }),
  subject: z
    .union([fromNameId, fromAttribute])
    .meta({ description: 'What names a person for good.', examples: [{ from: 'name_id' }] }),
  idp_initiated: z.enum(idpInitiatedModes).meta({
    description: 'A response that nobody asked for: refused, taken as the wish to sign in here, or believed.',
    examples: ['restart'],
  }),
  idp_initiated_clients: z
    .array(z.string().max(200))
    .max(50)
    .meta({
      description: 'Clients that such a response may lead to; the first is where it goes by default.',
      examples: [[]],
    }),
  encryption: z.boolean().meta({
    description: 'Publish an encryption certificate, and read assertions encrypted to it.',
    examples: [false],
  }),
  refuse_expired_certificates: z.boolean().meta({ examples: [false] }),
};

export const oidcMembers = {
  client_auth: z
    .enum(clientAuthMethods)
    .meta({ description: 'How we prove ourselves at the token endpoint.' }),
  id_token_algorithm: z.enum(idTokenAlgorithms),
  scopes: texts(200, 20).meta({ examples: [['openid', 'profile', 'email']] }),
  subject: texts(200, 4).meta({
    description: 'Claims that together name a person for good.',
    examples: [['sub']],
  }),
  tenants: texts(200, 100).meta({
    description: 'Whose people are taken, at an issuer that serves many companies.',
    examples: [[]],
  }),
};

const names = texts(500, 20).meta({ examples: [['email']] });
const role = z.enum(['admin', 'agent']);
const products = z.array(shownId('prd')).max(50);

export const mappingMembers = {
  email: names,
  name: names,
  given_name: names,
  family_name: names,
  groups: text(500)
    .nullable()
    .meta({
      description: 'Where the groups are; null when roles and products do not come from groups.',
      examples: ['groups'],
    }),
  roles: z.record(z.string(), role).meta({
    description: 'Role of each group; whoever is in none of them is an agent.',
    examples: [{ chiefs: 'admin' }],
  }),
  role_ceiling: role.meta({ description: 'No group gives more than that.' }),
  products: z
    .record(z.string(), products)
    .meta({ description: 'Products of each group: their people take a seat.', examples: [{ staff: [] }] }),
  everybodys_products: products.meta({
    description: 'Products on which everybody who comes takes a seat.',
    examples: [[]],
  }),
  mode: z.enum(['authoritative', 'additive']).meta({
    description: 'Roles follow the groups at every sign-in, or are only ever raised by them.',
  }),
  provisioning: z
    .enum(['just_in_time', 'invited_only'])
    .meta({ description: 'Whether people come in who were not made or invited before.' }),
};
