import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Idle connections are kept this long, so that none is closed just as a client uses it again, milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** A listening HTTP server whose port survives closing and opening again. */
export class Listener {
  readonly #server: Server;
  readonly #host: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #port: number;
  #opened: Promise<void> | undefined;
  #closed = false;

  constructor(host: string, port: number, onRequest: RequestListener, onConnection: () => void) {
    this.#host = host;
    this.#port = port;
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, onRequest);
    this.#server.on('connection', onConnection);
    this.#server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  }

  get port(): number {
    return this.#port;
  }

  /** Opens the port; nothing happens when it is open. @throws a Node.js system error, e.g. `EADDRINUSE` */
  open(): Promise<void> {
    this.#opened ??= this.#listen().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /** Closes the port and cuts every connection, as a server does that is restarted. */
  async shut(): Promise<void> {
    await this.#opened;
    this.#opened = undefined;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Shuts, and opens again after a while unless it was ended meanwhile. */
  async shutFor(ms: number): Promise<void> {
    await this.shut();
    await this.wait(ms);
    if (!this.#closed) await this.open();
  }

  /** Resolves after a while; never when the listener has ended by then, and no timer is left behind. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (isAddress(address)) this.#port = address.port;
  }

  /** Shuts for good. */
  async end(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.shut();
  }
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
