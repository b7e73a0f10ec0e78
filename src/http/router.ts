import { createServer, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Authenticator } from './authenticate.js';
import { BrokenOff } from './body.js';
import { type Exchange, logEnd, newExchange, refuse, statusOf } from './exchange.js';
import { inTrace } from '../trace.js';
import { Guard } from './guard.js';
import type { Principal } from './principals.js';
import { RateLimit } from './rate-limit.js';

/** From a connection to the route that answers: what every request goes through. */

export type Route =
  | {
      path: RegExp;
      /** Absent: the route refuses the others by itself. */
      methods?: readonly string[];
      /** Only for callers who are known. */
      access: 'principal';
      handle: (exchange: Exchange, principal: Principal, match: RegExpExecArray) => Promise<void>;
    }
  | {
      path: RegExp;
      methods: readonly string[];
      /** For everybody, or checked by the route itself. */
      access: 'open';
      handle: (
        exchange: Exchange,
        match: RegExpExecArray,
        identify: () => Promise<Principal | undefined>,
      ) => Promise<void>;
    };

export interface RouterDeps {
  config: Config;
  /** What the server is bound to. */
  host: string;
  log: Log;
  authenticator: Authenticator;
  routes: readonly Route[];
  timeouts?: Partial<Timeouts> | undefined;
  /** Told of every answer, with the first part of its path. */
  onAnswer?: (method: string, route: string, status: number, seconds: number) => void;
}

/** How long a connection may take for what, in milliseconds: those that are half-open cost nothing for long. */
export interface Timeouts {
  headers: number;
  /** Head and body. */
  request: number;
  /** Without a byte in either direction: a reader that has stopped. Streams have a sign of life every 15 s. */
  silence: number;
  /** Between two requests; longer than proxies keep their side open. */
  keepAlive: number;
}

const TIMEOUTS: Timeouts = { headers: 10_000, request: 120_000, silence: 120_000, keepAlive: 75_000 };
const CHECK_EVERY_MS = 2_000;
/** What is wrong with a request that never became one, by Node's code. */
const STATUS_OF: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};
const MAX_CONNECTIONS = 5_000;

export function createHttpServer(deps: RouterDeps): Server {
  const { config, host, log, authenticator, routes, onAnswer } = deps;
  const timeouts = { ...TIMEOUTS, ...deps.timeouts };
  const guard = new Guard(config, host);
  const limits = authenticator.isNeeded ? new RateLimit() : undefined;
  /** What each connection is being asked. */
  const open = new WeakMap<Duplex, Exchange>();
  /** Connections whose last request was answered before all of it was here. */
  const refused = new WeakSet<Duplex>();
  const server = createServer(
    {
      headersTimeout: timeouts.headers,
      requestTimeout: timeouts.request,
      keepAliveTimeout: timeouts.keepAlive,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, timeouts.headers),
    },
    (request, response) => {
      const exchange = newExchange(request, response, log);
      const startedAt = performance.now();
      open.set(request.socket, exchange);
      refused.delete(request.socket);
      response.once('close', () => {
        open.delete(request.socket);
        if (!request.complete) refused.add(request.socket);
        const seconds = (performance.now() - startedAt) / 1000;
        onAnswer?.(request.method ?? '', firstPart(exchange.url, routes), statusOf(exchange), seconds);
        logEnd(exchange, seconds);
      });
      // Whoever goes away while an answer is written is no fault of ours.
      response.on('error', () => undefined);
      inTrace(exchange.trace, () => answer(exchange)).catch((error: unknown) => {
        if (error instanceof BrokenOff) {
          response.destroy();
          return;
        }
        exchange.fault = error;
        refuse(exchange, 500, `Something in meshwright broke (${exchange.id}); its log has the details.`);
      });
    },
  );
  server.timeout = timeouts.silence;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (error, socket) => {
    const code = 'code' in error ? String(error.code) : '';
    // Told already, or gone by itself: then there is nothing to refuse.
    if (!socket.writable || code === 'ECONNRESET' || refused.has(socket)) {
      socket.destroy();
      return;
    }
    const status = STATUS_OF[code] ?? '400 Bad Request';
    const exchange = open.get(socket);
    // An answer has begun, or the body ended too early because its sender left.
    if (exchange && (exchange.response.headersSent || code === 'HPE_INVALID_EOF_STATE')) {
      socket.destroy();
      return;
    }
    if (exchange) {
      exchange.refusal = messageOf(error);
      exchange.closedWith = Number.parseInt(status, 10);
    } else {
      const address = socket instanceof Socket ? socket.remoteAddress : undefined;
      log.info('a request was refused', {
        address,
        status: Number.parseInt(status, 10),
        error: messageOf(error),
      });
    }
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });

  const identify = async (exchange: Exchange): Promise<Principal | undefined> => {
    const identity = await authenticator.identify(exchange.request);
    if (!('principal' in identity)) {
      refuse(exchange, identity.status, identity.message, identity.headers);
      return undefined;
    }
    const { principal } = identity;
    exchange.principal = principal.name;
    const wait = limits?.begin(principal.name);
    if (wait) {
      refuse(exchange, 429, wait.why, { 'retry-after': String(wait.seconds) });
      return undefined;
    }
    exchange.response.once('close', () => limits?.end(principal.name));
    return principal;
  };

  async function answer(exchange: Exchange): Promise<void> {
    const { request, response, url } = exchange;
    const { method = 'GET' } = request;
    if (!server.listening) {
      refuse(exchange, 503, 'The server is stopping.', { connection: 'close', 'retry-after': '5' });
      return;
    }
    const refusal = guard.refusal(request);
    if (refusal !== undefined) {
      refuse(exchange, 403, refusal);
      return;
    }
    const preflight = method === 'OPTIONS';
    for (const [name, value] of Object.entries(guard.corsHeaders(request, preflight))) {
      response.setHeader(name, value);
    }
    if (preflight) {
      response.writeHead(204).end();
      return;
    }
    let allowed: readonly string[] | undefined;
    for (const route of routes) {
      const match = route.path.exec(url.pathname);
      if (!match) continue;
      if (route.methods?.includes(method) === false) {
        allowed = route.methods;
        continue;
      }
      if (route.access === 'open') {
        await route.handle(exchange, match, () => identify(exchange));
        return;
      }
      const principal = await identify(exchange);
      if (!principal) return;
      await route.handle(exchange, principal, match);
      return;
    }
    if (allowed) {
      refuse(exchange, 405, `${url.pathname} takes ${allowed.join(', ')}.`, { allow: allowed.join(', ') });
    } else refuse(exchange, 404, nothingAt(url));
  }

  return server;
}

/** `/mcp`, `/assets` and so on; nothing that a caller made up. */
function firstPart({ pathname }: URL, routes: readonly Route[]): string {
  return routes.some(({ path }) => path.test(pathname)) ? (/^\/[^/]*/.exec(pathname)?.[0] ?? '/') : 'other';
}

function nothingAt({ pathname }: URL): string {
  return pathname.startsWith('/uploads')
    ? 'There is nothing here; send a file to /uploads with your token, or to a link of upload_image.'
    : 'There is nothing here; the MCP endpoint is /mcp.';
}
