import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/** One request as a test server saw it. */
export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Respond = (response: http.ServerResponse, request: Seen) => void | Promise<void>;

export interface TestServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** In order of arrival. */
  readonly seen: readonly Seen[];
  /** Connections opened so far. */
  readonly connections: number;
  /** Breaks every connection and stops. */
  close(): Promise<void>;
}

/** An HTTP server on a free port of the loopback; TLS when given a certificate. */
export async function serveHttp(
  respond: Respond,
  tls?: { readonly cert: string; readonly key: string },
): Promise<TestServer> {
  const seen: Seen[] = [];
  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      void respond(response, one);
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  return Object.assign(await listen(server, tls ? 'https' : 'http'), { seen });
}

/** A TCP server: `onRequest` writes what it likes whenever the end of a request's headers has come in. */
export async function serveRaw(
  onRequest: (socket: net.Socket, request: string) => void,
): Promise<TestServer> {
  const seen: Seen[] = [];
  const server = net.createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        const [method = '', url = ''] = head.split(' ');
        seen.push({ method, url, headers: {}, body: '' });
        onRequest(socket, head);
      }
    });
  });
  return Object.assign(await listen(server, 'http'), { seen });
}

async function listen(server: net.Server, scheme: string): Promise<Omit<TestServer, 'seen'>> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  server.on('connection', (socket: net.Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `${scheme}://127.0.0.1:${address.port}`,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port of the loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await listen(net.createServer(), 'http');
  await server.close();
  return Number(new URL(server.url).port);
}
