import { z } from 'zod';
import { chooseAccount } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

const body = z.object({ account: z.string().max(100) });

export const accountRoute = (engine: () => Engine): Route =>
  actionRoute(engine, {
    name: 'account',
    body,
    transition: (ctx, signIn, { account }) => chooseAccount(ctx, signIn, account),
  });
