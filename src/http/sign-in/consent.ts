import { z } from 'zod';
import { answerConsent } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

const body = z.object({
  granted: z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]),
});

export const consentRoute = (engine: () => Engine): Route =>
  actionRoute(engine, {
    name: 'consent',
    body,
    transition: (_ctx, signIn, { granted }) => answerConsent(signIn, granted),
  });
