import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  classifyInboundRequest,
  createMcpHandler,
  isJsonContentType,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { isRecord } from '../json.js';
import type { Log } from '../log.js';
import type { Serving } from '../server.js';
import type { JobUpdates } from '../server/job-updates.js';
import { Listening } from '../server/listening.js';
import { BodyTooLarge, discard, readBody } from './body.js';
import { type Exchange, refuse } from './exchange.js';
import type { Principal } from './principals.js';
import { type SessionLimits, Sessions } from './sessions.js';

/** `/mcp`: clients of every protocol revision on one endpoint. */

/** Largest body that is read (contract, section 7, point 7). */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const KEEP_ALIVE_MS = 15_000;
const MODERN = '2026-07-28';

/** Tools that answer at once: their answer may be one piece of JSON. All others hold a stream open from the start. */
const QUICK_TOOLS: ReadonlySet<unknown> = new Set([
  'list_models',
  'get_job',
  'list_jobs',
  'list_assets',
  'upload_image',
  'delete_asset',
]);

export interface McpDeps {
  log: Log;
  /** A server object for one request, or for one session. */
  serve: (principal: Principal) => Serving;
  /** How updates of a principal's jobs are followed. */
  updates: (principal: Principal, send: (uri: string) => Promise<void>) => JobUpdates;
  sessions?: Partial<SessionLimits>;
}

/** What all requests of one principal share in the stateless revisions: their subscriptions. */
interface ModernLeg {
  principal: Principal;
  quick: McpHttpHandler;
  streaming: McpHttpHandler;
  listening: Listening;
}

export class McpEndpoint {
  readonly #deps: McpDeps;
  readonly #sessions: Sessions;
  readonly #legs = new Map<string, ModernLeg>();
  #listens = 0;

  constructor(deps: McpDeps) {
    this.#deps = deps;
    this.#sessions = new Sessions(deps.sessions);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  async handle(exchange: Exchange, principal: Principal): Promise<void> {
    const { request } = exchange;
    const { method = 'GET', headers } = request;
    const version = single(headers['mcp-protocol-version']);
    if (method !== 'POST') {
      // Only sessions have a stream to listen to and an end.
      const ofSession = (method === 'GET' || method === 'DELETE') && headers['mcp-session-id'] !== undefined;
      if (!ofSession || version === MODERN) {
        refuse(exchange, 405, 'Send requests with POST.', { allow: 'POST' });
        return;
      }
      await this.#sessions.handle(
        exchange,
        principal.name,
        undefined,
        () => this.#deps.serve(principal),
        false,
      );
      return;
    }
    const body = await bodyOf(exchange);
    if (body === undefined) return;
    const route = classifyInboundRequest({
      httpMethod: method,
      ...(version === undefined ? {} : { protocolVersionHeader: version }),
      ...optional('mcpMethodHeader', single(headers['mcp-method'])),
      ...optional('mcpNameHeader', single(headers['mcp-name'])),
      body: body.value,
    });
    if (route.kind === 'legacy') {
      const opens = route.reason === 'initialize';
      const serve = (): Serving => this.#deps.serve(principal);
      await this.#sessions.handle(exchange, principal.name, body.value, serve, opens);
      return;
    }
    await this.#modern(exchange, principal, body.value);
  }

  async close(): Promise<void> {
    for (const { quick, streaming, listening } of this.#legs.values()) {
      listening.close();
      await Promise.all([quick.close(), streaming.close()]);
    }
    await this.#sessions.close();
  }

  async #modern({ request, response }: Exchange, principal: Principal, body: unknown): Promise<void> {
    const leg = this.#leg(principal);
    const uris = listenedUris(body);
    if (uris.length > 0) {
      const id = ++this.#listens;
      leg.listening.begin(id, uris);
      response.once('close', () => leg.listening.end(id));
    }
    const handler = isSlow(body) ? leg.streaming : leg.quick;
    const { method = 'POST', url = '/', headers } = request;
    const like = { method, url, headers, [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() };
    await toNodeHandler(handler)(like, response, body);
  }

  #leg(principal: Principal): ModernLeg {
    const known = this.#legs.get(principal.name);
    // Its settings may have changed with the token file.
    if (known) known.principal = principal;
    const leg = known ?? this.#newLeg(principal);
    this.#legs.set(principal.name, leg);
    return leg;
  }

  #newLeg(principal: Principal): ModernLeg {
    const { log, serve, updates } = this.#deps;
    const onerror = (error: Error): void => log.debug('a protocol error', { error: error.message });
    const options = { legacy: 'reject', keepAliveMs: KEEP_ALIVE_MS, onerror } as const;
    const quick = createMcpHandler(() => serve(leg.principal).server, options);
    const leg: ModernLeg = {
      principal,
      quick,
      streaming: createMcpHandler(() => serve(leg.principal).server, { ...options, responseMode: 'sse' }),
      listening: new Listening(log),
    };
    leg.listening.add(
      updates(principal, (uri) => {
        quick.notify.resourceUpdated(uri);
        return Promise.resolve();
      }),
    );
    return leg;
  }
}

/** The parsed body; otherwise the refusal was sent. */
async function bodyOf(exchange: Exchange): Promise<{ value: unknown } | undefined> {
  const { request, response } = exchange;
  if (!isJsonContentType(request.headers['content-type'] ?? '')) {
    refuse(exchange, 415, 'Send JSON with the header "Content-Type: application/json".', {
      connection: 'close',
    });
    return undefined;
  }
  if (request.headers['content-encoding'] !== undefined) {
    refuse(exchange, 415, 'Send the body without a Content-Encoding.');
    discard(request);
    return undefined;
  }
  try {
    const bytes = await readBody(request, MAX_BODY_BYTES);
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return { value };
  } catch (error) {
    if (error instanceof BodyTooLarge) {
      const limit = MAX_BODY_BYTES / 1024 ** 2;
      refuse(
        exchange,
        413,
        `The body is longer than ${limit} MiB. Hand images over with upload_image or as https URLs instead of inline.`,
      );
    } else if (error instanceof SyntaxError) {
      refuse(exchange, 400, 'The body is no JSON.', {}, -32700);
    } else response.destroy();
    discard(request);
    return undefined;
  }
}

function isSlow(body: unknown): boolean {
  if (!isRecord(body) || body['method'] !== 'tools/call') return false;
  return !isRecord(body['params']) || !QUICK_TOOLS.has(body['params']['name']);
}

function listenedUris(body: unknown): string[] {
  if (!isRecord(body) || body['method'] !== 'subscriptions/listen' || !isRecord(body['params'])) return [];
  const filter = body['params']['notifications'];
  const uris = isRecord(filter) ? filter['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function optional<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  const found: { [key in Name]?: string } = {};
  if (value !== undefined) found[name] = value;
  return found;
}
