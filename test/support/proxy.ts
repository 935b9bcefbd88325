import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

export interface TestProxy {
  /** `127.0.0.1:<port>`. */
  readonly name: string;
  /** `CONNECT host:port`, or method and whole URL, in order of arrival. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

export interface TestProxyOptions {
  /** `user:password` that it asks for. */
  readonly login?: string;
  /** Answers every CONNECT so; `hang-up` closes the connection, `silent` does nothing. */
  readonly connect?: number | 'hang-up' | 'silent';
}

/** A forwarding proxy: CONNECT for anything, and plain requests for http URLs. */
export async function serveProxy({ login, connect }: TestProxyOptions = {}): Promise<TestProxy> {
  const seen: string[] = [];
  const sockets = new Set<net.Socket>();
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const isRefused = ({ headers }: http.IncomingMessage) =>
    expected !== undefined && headers['proxy-authorization'] !== expected;
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (isRefused(request)) return void response.writeHead(407).end();
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = http.request(
      request.url ?? '',
      { method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    return void request.pipe(onward);
  });
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    seen.push(`CONNECT ${request.url}`);
    if (connect === 'silent') return;
    if (connect === 'hang-up') return void socket.destroy();
    const status = isRefused(request) ? 407 : connect;
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = net.connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward.on('error', () => socket.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    name: `127.0.0.1:${address.port}`,
    seen,
    async close() {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
