import { z } from 'zod';
import { askForSocial } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

const body = z.object({ provider: z.string().max(40) });

export const socialRoute = (engine: () => Engine): Route =>
  actionRoute(engine, {
    name: 'social',
    body,
    transition: (_ctx, signIn, asked) => askForSocial(signIn, asked),
  });
