import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { isRecord } from '../json.js';
import type { Log } from '../log.js';
import { createServer, registryOf, type ServerDeps } from '../server.js';
import { JobUpdates } from '../server/job-updates.js';
import { Listening } from '../server/listening.js';
import { authOf } from '../server/request-id.js';
import { answer, type Exchange, reasonIn } from './exchange.js';
import { HEADER_MISMATCH, headerMismatch } from './param-headers.js';

/**
 * Requests of 2026-07-28, which stand for themselves: each gets a server object of its own. What is told of jobs goes
 * to the listening requests of the same principal, so all of one principal's requests share a leg while any is open.
 */

const KEEP_ALIVE_MS = 15_000;

interface Leg {
  deps: ServerDeps;
  /** Answers in one piece, unless there is something to tell before. */
  quick: McpHttpHandler;
  /** Opens a stream at once, so that neither client nor proxy gives up during a long call. */
  streaming: McpHttpHandler;
  listening: Listening;
  open: number;
}

export class ModernRequests {
  readonly #log: Log;
  readonly #legs = new Map<string, Leg>();
  #listens = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  async handle(exchange: Exchange, deps: ServerDeps, body: unknown): Promise<void> {
    const { request, response } = exchange;
    const { tools } = registryOf(deps);
    const call = callIn(body);
    const tool = call && tools.lists.list.tools.find(({ name }) => name === call['name']);
    const message = tool && headerMismatch(tool, call['arguments'], request.headers);
    if (message !== undefined) {
      exchange.refusal = message;
      const { id } = isRecord(body) ? body : {};
      answer(exchange, 400, { jsonrpc: '2.0', id: id ?? null, error: { code: HEADER_MISMATCH, message } });
      return;
    }
    const leg = this.#leg(deps);
    leg.open++;
    response.once('close', () => {
      if (--leg.open === 0) this.#drop(deps.principal, leg);
    });
    const uris = listenedUris(body);
    if (uris.length > 0) {
      const id = ++this.#listens;
      leg.listening.begin(id, uris);
      response.once('close', () => leg.listening.end(id));
    }
    const handler = call && !tools.quick.has(call['name']) ? leg.streaming : leg.quick;
    const { method = 'POST', url = '/', headers } = request;
    const auth = authOf(exchange.id, deps.principal);
    const like = {
      method,
      url,
      headers,
      auth,
      [Symbol.asyncIterator]: () => request[Symbol.asyncIterator](),
    };
    const noting: Pick<McpHttpHandler, 'fetch'> = {
      fetch: async (...args) => {
        const answered = await handler.fetch(...args);
        if (answered.status >= 400) exchange.refusal ??= reasonIn(await answered.clone().text());
        return answered;
      },
    };
    await toNodeHandler(noting)(like, response, body);
  }

  /** Ends every request of one principal, or of all. */
  async close(principal?: string): Promise<void> {
    const legs = [...this.#legs].filter(([name]) => principal === undefined || name === principal);
    await Promise.all(
      legs.map(async ([name, leg]) => {
        this.#drop(name, leg);
        await Promise.all([leg.quick.close(), leg.streaming.close()]);
      }),
    );
  }

  #leg(deps: ServerDeps): Leg {
    const known = this.#legs.get(deps.principal);
    // Its settings may have changed with the token file.
    if (known) known.deps = deps;
    const leg = known ?? this.#newLeg(deps);
    this.#legs.set(deps.principal, leg);
    return leg;
  }

  #newLeg(deps: ServerDeps): Leg {
    const onerror = (error: Error): void => this.#log.debug('a protocol error', { error: error.message });
    const options = { legacy: 'reject', keepAliveMs: KEEP_ALIVE_MS, onerror } as const;
    const quick = createMcpHandler(() => createServer(leg.deps).server, options);
    const leg: Leg = {
      deps,
      quick,
      streaming: createMcpHandler(() => createServer(leg.deps).server, { ...options, responseMode: 'sse' }),
      listening: new Listening(this.#log),
      open: 0,
    };
    leg.listening.add(
      new JobUpdates(deps, (uri) => {
        quick.notify.resourceUpdated(uri);
        return Promise.resolve();
      }),
    );
    return leg;
  }

  #drop(name: string, leg: Leg): void {
    leg.listening.close();
    if (this.#legs.get(name) === leg) this.#legs.delete(name);
  }
}

/** The parameters of a call of a tool. */
function callIn(body: unknown): Record<string, unknown> | undefined {
  if (!isRecord(body) || body['method'] !== 'tools/call') return undefined;
  return isRecord(body['params']) ? body['params'] : {};
}

function listenedUris(body: unknown): string[] {
  if (!isRecord(body) || body['method'] !== 'subscriptions/listen' || !isRecord(body['params'])) return [];
  const filter = body['params']['notifications'];
  const uris = isRecord(filter) ? filter['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}
