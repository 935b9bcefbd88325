import { text } from 'node:stream/consumers';
import { type Exchange, sendJson } from './answer.ts';
import { isPageFault } from './fault-kinds.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { FaultSender } from './fault-sender.ts';
import { refuse } from './fault-status.ts';
import { count } from './stats.ts';
import type { TokenIssuer } from './tokens.ts';

const FORM = 'application/x-www-form-urlencoded';
const NO_STORE = { 'cache-control': 'no-store' };

/** POST of the token endpoint: reads the form, lets a fault come first, and answers as the issuer decides. */
export async function answerToken(
  exchange: Exchange,
  issuer: TokenIssuer,
  faults: FaultPlan,
  sender: FaultSender,
): Promise<void> {
  const { request, stats } = exchange;
  if (request.method !== 'POST') return refuse(exchange, 405, { allow: 'POST' });
  stats.tokenRequests += 1;
  const form = await text(request);
  const fault = faults.choose(request.url ?? '', 0, 0);
  if (fault !== undefined) count(stats.faults, fault);
  const isForm = request.headers['content-type']?.startsWith(FORM) ?? false;
  const { status, body } = issuer.answer(new URLSearchParams(isForm ? form : ''));
  if (fault === undefined || isPageFault(fault)) return sendJson(exchange, status, body, NO_STORE);
  await sender.send(fault, exchange, () => ({
    body: Buffer.from(JSON.stringify(body)),
    headers: NO_STORE,
  }));
}
