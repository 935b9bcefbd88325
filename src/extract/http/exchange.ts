import type { Dispatcher } from 'undici';
import { done, fault, type Outcome } from './faults.ts';
import type { HttpRequest } from './transport.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. Of a repeated header the first counts. */
  header(name: string): string | undefined;
  /** As sent, perhaps compressed. */
  readonly body: Buffer;
  /** The body was longer than asked for and is not whole. */
  readonly cut: boolean;
}

/** What is kept of the body of an error answer: enough for its description. */
const ERROR_BODY_BYTES = 64 * 1024;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** One request on its way through undici: collects the body, keeps the time, can be called off at any moment. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects with a connection error as undici reports it, or with the signal's reason. */
  readonly outcome: Promise<Outcome<HttpAnswer>>;
  /** Whether the server sent headers. */
  answered = false;
  readonly #request: HttpRequest;
  readonly #chunks: Buffer[] = [];
  readonly #onAbort = () => this.#fail(this.#request.signal.reason);
  readonly #total: NodeJS.Timeout;
  #timer: NodeJS.Timeout;
  #resolve: (outcome: Outcome<HttpAnswer>) => void = () => {};
  #reject: (reason: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #headers: Headers = {};
  #bytes = 0;
  #maxBytes = 0;

  constructor(request: HttpRequest) {
    this.#request = request;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { headersMs, totalMs } = request.timeouts;
    this.#timer = setTimeout(() => this.#timeOut('no headers within', headersMs), headersMs);
    this.#total = setTimeout(() => this.#timeOut('no whole answer within', totalMs), totalMs);
    request.signal.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) this.#hangUp();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.answered = true;
    this.#status = status;
    this.#headers = headers;
    this.#maxBytes = status < 300 ? this.#request.maxBodyBytes : ERROR_BODY_BYTES;
    const { idleMs } = this.#request.timeouts;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#timeOut('the body stopped for', idleMs), idleMs);
    if (Number(firstOf(headers['content-length'])) > this.#maxBytes) this.#cutShort();
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#timer.refresh();
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#cutShort();
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#finish(done(this.#answer(false)));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #answer(cut: boolean): HttpAnswer {
    const headers = this.#headers;
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    return { status: this.#status, header: (name) => firstOf(headers[name]), body, cut };
  }

  #cutShort(): void {
    this.#finish(done(this.#answer(true)));
    this.#hangUp();
  }

  #timeOut(what: string, ms: number): void {
    this.#finish(fault('timeout', `${what} ${Math.round(ms) / 1000} s`));
    this.#hangUp();
  }

  #fail(reason: unknown): void {
    if (!this.#settle()) return;
    this.#reject(reason);
    this.#hangUp();
  }

  #finish(outcome: Outcome<HttpAnswer>): void {
    if (this.#settle()) this.#resolve(outcome);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    return true;
  }

  /** Ends the exchange on the wire; before it has a connection, `onRequestStart` will. */
  #hangUp(): void {
    this.#controller?.abort(new Error('called off'));
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
