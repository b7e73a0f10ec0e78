import { classifyInboundRequest, isJsonContentType } from '@modelcontextprotocol/server';
import type { Log } from '../log.js';
import { createServer, type ServerDeps } from '../server.js';
import { DIRECT_REVISION } from '../server/direct.js';
import { wrongShape } from '../server/message-shape.js';
import { inTrace, traceOfMessage } from '../trace.js';
import { BodyTooLarge, readBody, TooManyBodies } from './body.js';
import { DirectAnswers } from './direct.js';
import { type Exchange, refuse } from './exchange.js';
import { ModernRequests } from './modern.js';
import type { Principal } from './principals.js';
import { type SessionLimits, Sessions } from './sessions.js';

/** `/mcp`: clients of every protocol revision on one endpoint. */

/** Largest body that is read (contract, section 7, point 7). */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface McpDeps {
  log: Log;
  /** What the server objects of a principal work with. */
  serverDeps: (principal: Principal) => ServerDeps;
  sessions?: Partial<SessionLimits>;
}

export class McpEndpoint {
  readonly #serverDeps: (principal: Principal) => ServerDeps;
  readonly #sessions: Sessions;
  readonly #modern: ModernRequests;
  readonly #direct = new DirectAnswers();

  constructor({ log, serverDeps, sessions }: McpDeps) {
    this.#serverDeps = serverDeps;
    this.#sessions = new Sessions(sessions);
    this.#modern = new ModernRequests(log);
  }

  /** How many sessions are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  async handle(exchange: Exchange, principal: Principal): Promise<void> {
    const { request } = exchange;
    const { method = 'GET', headers } = request;
    const version = single(headers['mcp-protocol-version']);
    const deps = this.#serverDeps(principal);
    const serve = (): ReturnType<typeof createServer> => createServer(deps);
    // Only sessions have a stream to listen to and an end.
    const isOfSession = headers['mcp-session-id'] !== undefined && version !== DIRECT_REVISION;
    const allowed = isOfSession ? ['GET', 'POST', 'DELETE'] : ['POST'];
    if (!allowed.includes(method)) {
      const why = isOfSession
        ? `/mcp takes ${allowed.join(', ')}.`
        : 'Send requests with POST; only clients with a session (Mcp-Session-Id) send GET and DELETE.';
      refuse(exchange, 405, why, { allow: allowed.join(', ') });
      return;
    }
    if (method !== 'POST') {
      await this.#sessions.handle(exchange, principal.name, undefined, serve, false);
      return;
    }
    const body = await bodyOf(exchange);
    if (body === undefined) return;
    // What the message says of itself comes before what the way says that it took.
    exchange.trace = traceOfMessage(body.value) ?? exchange.trace;
    await inTrace(exchange.trace, () => this.#answer(exchange, principal, deps, body.value));
  }

  async #answer(exchange: Exchange, principal: Principal, deps: ServerDeps, message: unknown): Promise<void> {
    const { method = 'POST', headers } = exchange.request;
    const version = single(headers['mcp-protocol-version']);
    if (await this.#direct.answer(exchange, message, deps)) return;
    const serve = (): ReturnType<typeof createServer> => createServer(deps);
    const route = classifyInboundRequest({
      httpMethod: method,
      ...(version === undefined ? {} : { protocolVersionHeader: version }),
      ...optional('mcpMethodHeader', single(headers['mcp-method'])),
      ...optional('mcpNameHeader', single(headers['mcp-name'])),
      body: message,
    });
    if (route.kind === 'legacy') {
      const opens = route.reason === 'initialize';
      await this.#sessions.handle(exchange, principal.name, message, serve, opens);
      return;
    }
    await this.#modern.handle(exchange, deps, message);
  }

  /** Ends the streams and sessions of one principal, or of all; jobs go on. */
  async close(principal?: string): Promise<void> {
    await Promise.all([this.#modern.close(principal), this.#sessions.close(principal)]);
  }
}

/** The parsed body; otherwise the refusal was sent. */
async function bodyOf(exchange: Exchange): Promise<{ value: unknown } | undefined> {
  const { request } = exchange;
  if (!isJsonContentType(request.headers['content-type'] ?? '')) {
    refuse(exchange, 415, 'Send JSON with the header "Content-Type: application/json".');
    return undefined;
  }
  if (request.headers['content-encoding'] !== undefined) {
    refuse(exchange, 415, 'Send the body without a Content-Encoding.');
    return undefined;
  }
  try {
    const bytes = await readBody(exchange, MAX_BODY_BYTES);
    const wrong = wrongShape(bytes);
    if (wrong !== undefined) {
      refuse(exchange, 400, wrong, {}, -32600);
      return undefined;
    }
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
    } else if (error instanceof TooManyBodies) {
      refuse(exchange, 503, 'Too much is being sent at once; try again.', { 'retry-after': '5' });
    } else if (error instanceof SyntaxError) {
      refuse(exchange, 400, 'The body is no JSON.', {}, -32700);
    } else throw error;
    return undefined;
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function optional<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  const found: { [key in Name]?: string } = {};
  if (value !== undefined) found[name] = value;
  return found;
}
