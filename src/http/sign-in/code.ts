import { z } from 'zod';
import { answerCode } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

const body = z.object({
  code: z.string().max(20).optional(),
  email: z.string().max(1000).optional(),
  resend: z.union([z.boolean(), z.literal('true').transform(() => true)]).optional(),
});

export const codeRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'code', body, transition: answerCode });
