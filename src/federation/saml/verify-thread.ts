/** The thread that verifies SAML responses: what its libraries take over an adversary's XML keeps nobody else waiting. */
import { answerQuestions } from '../../thread.ts';
import { verifyResponse } from './verify-response.ts';

answerQuestions(verifyResponse);
