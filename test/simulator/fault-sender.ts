import type { OutgoingHttpHeaders } from 'node:http';
import { type Exchange, send } from './answer.ts';
import { spoilBody } from './fault-body.ts';
import { sendBroken } from './fault-framing.ts';
import {
  type ConnectionFault,
  type FaultKind,
  isBodyFault,
  isConnectionFault,
  isStatusFault,
  type PageFault,
} from './fault-kinds.ts';
import { refuseAs } from './fault-status.ts';
import type { Listener } from './listener.ts';

/** What would have been sent. */
export interface GoodAnswer {
  readonly body: Buffer;
  readonly headers: OutgoingHttpHeaders;
}

export interface FaultSettings {
  readonly retryAfterSeconds: number;
  readonly refusedMs: number;
  readonly oversizeBytes: number;
  /** Wall time, milliseconds since the epoch. */
  readonly now: () => number;
}

/** Where the fault `redirect` sends a client. */
export const ELSEWHERE = '/elsewhere';

/** Answers a request with a fault that does not look into the page. */
export class FaultSender {
  readonly #listener: Listener;
  readonly #settings: FaultSettings;

  constructor(listener: Listener, settings: FaultSettings) {
    this.#listener = listener;
    this.#settings = settings;
  }

  /** @param good makes the answer to spoil; not called for faults that need none */
  async send(
    fault: Exclude<FaultKind, PageFault>,
    exchange: Exchange,
    good: () => GoodAnswer,
  ): Promise<void> {
    const { retryAfterSeconds, oversizeBytes, now } = this.#settings;
    if (isStatusFault(fault)) return refuseAs(fault, exchange, retryAfterSeconds, now());
    if (isConnectionFault(fault)) return this.#cut(fault, exchange);
    const { body, headers } = good();
    if (!isBodyFault(fault)) return sendBroken(fault, exchange, body, headers, oversizeBytes);
    const spoilt = spoilBody(fault, body);
    send(exchange, 200, spoilt.body, { ...headers, ...spoilt.headers });
  }

  async #cut(fault: ConnectionFault, exchange: Exchange): Promise<void> {
    switch (fault) {
      case 'reset':
        exchange.request.socket.resetAndDestroy();
        break;
      case 'refused':
        await this.#listener.shutFor(this.#settings.refusedMs);
        break;
      case 'redirect':
        send(exchange, 302, Buffer.alloc(0), { location: ELSEWHERE });
        break;
      case 'hang':
        break;
    }
  }
}
