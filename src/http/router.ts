import { createServer, type Server } from 'node:http';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Authenticator } from './authenticate.js';
import { discard } from './body.js';
import { type Exchange, newExchange, refuse } from './exchange.js';
import { Guard } from './guard.js';
import type { Principal } from './principals.js';
import { RateLimit } from './rate-limit.js';

/** From a connection to the route that answers: what every request goes through. */

export type Route =
  | {
      path: RegExp;
      methods: readonly string[];
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
  /** Told of every answer, with the first part of its path. */
  onAnswer?: (method: string, route: string, status: number, seconds: number) => void;
}

/** Slow headers and slow bodies end here, so that half-open connections cost nothing for long. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 120_000;
const CHECK_EVERY_MS = 2_000;
/** Longer than a proxy keeps its side of a connection open. */
const KEEP_ALIVE_MS = 75_000;
const MAX_CONNECTIONS = 5_000;

export function createHttpServer({ config, host, log, authenticator, routes, onAnswer }: RouterDeps): Server {
  const guard = new Guard(config, host);
  const limits = authenticator.isNeeded ? new RateLimit() : undefined;
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_EVERY_MS },
    (request, response) => {
      const exchange = newExchange(request, response, log);
      const startedAt = performance.now();
      response.once('close', () => {
        const seconds = (performance.now() - startedAt) / 1000;
        onAnswer?.(request.method ?? '', firstPart(exchange.url, routes), response.statusCode, seconds);
        log.debug('request', {
          id: exchange.id,
          method: request.method ?? '',
          // The address of a callback is as good as a key.
          path: exchange.url.pathname.replace(/^(\/webhooks\/.*)\..*/, '$1.…'),
          status: response.statusCode,
          ms: Math.round(seconds * 1000),
        });
      });
      // Whoever goes away while an answer is written is no fault of ours.
      response.on('error', () => undefined);
      answer(exchange).catch((error: unknown) => {
        log.error('a request failed', {
          id: exchange.id,
          error: messageOf(error),
          stack: error instanceof Error ? (error.stack ?? null) : null,
        });
        refuse(exchange, 500, `Something in meshwright broke (${exchange.id}); its log has the details.`);
      });
    },
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (error, socket) => {
    log.info('a request was refused', { error: messageOf(error) });
    const timedOut = 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const status = timedOut ? '408 Request Timeout' : '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });

  const turnDown = (
    exchange: Exchange,
    status: number,
    message: string,
    headers: Record<string, string> = {},
  ): void => {
    log.info('a request was refused', { id: exchange.id, status, error: message });
    refuse(exchange, status, message, headers);
    discard(exchange.request);
  };

  const identify = async (exchange: Exchange): Promise<Principal | undefined> => {
    const identity = await authenticator.identify(exchange.request);
    if ('principal' in identity) return identity.principal;
    turnDown(exchange, identity.status, identity.message, identity.headers);
    return undefined;
  };

  async function answer(exchange: Exchange): Promise<void> {
    const { request, response, url } = exchange;
    const { method = 'GET' } = request;
    const refusal = guard.refusal(request);
    if (refusal !== undefined) {
      turnDown(exchange, 403, refusal);
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
      if (!route.methods.includes(method)) {
        allowed = route.methods;
        continue;
      }
      if (route.access === 'open') {
        await route.handle(exchange, match, () => identify(exchange));
        return;
      }
      const principal = await identify(exchange);
      if (!principal) return;
      const wait = limits?.take(principal.name) ?? 0;
      if (wait > 0) {
        turnDown(exchange, 429, `Too many requests; call again in ${wait} s.`, {
          'retry-after': String(wait),
        });
        return;
      }
      await route.handle(exchange, principal, match);
      return;
    }
    if (allowed) {
      turnDown(exchange, 405, `${url.pathname} takes ${allowed.join(', ')}.`, { allow: allowed.join(', ') });
    } else turnDown(exchange, 404, 'There is nothing here; the MCP endpoint is /mcp.');
  }

  return server;
}

/** `/mcp`, `/assets` and so on; nothing that a caller made up. */
function firstPart({ pathname }: URL, routes: readonly Route[]): string {
  return routes.some(({ path }) => path.test(pathname)) ? (/^\/[^/]*/.exec(pathname)?.[0] ?? '/') : 'other';
}
