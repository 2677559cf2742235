import { z } from 'zod';
import { assertRoomToHash } from '../../core/credentials/credentials.ts';
import { signInWithPassword } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

/** Bounded before anything is hashed: a megabyte of password would be an attack on the processor. */
const body = z.object({ email: z.string().max(1000), password: z.string().max(1024).default('') });

export const passwordRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'password', body, before: assertRoomToHash, transition: signInWithPassword });
