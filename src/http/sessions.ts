import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { Server as McpServer } from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import type { Serving } from '../server.js';
import { authOf } from '../server/request-id.js';
import { SessionEvents } from './event-store.js';
import { type Exchange, refuse } from './exchange.js';

/**
 * Sessions of clients of the revisions before 2026-07-28: one transport and one server object each. A session belongs
 * to the principal that opened it; for anybody else it does not exist.
 */

interface Session {
  principal: string;
  transport: NodeStreamableHTTPServerTransport;
  server: McpServer;
  events: SessionEvents;
  updates: Serving['updates'];
  /** The request that came last: what its transport refuses, it refuses at once. */
  last: Exchange;
  /** Answers that are open: a stream, a call that runs. */
  open: number;
  usedAt: number;
}

export interface SessionLimits {
  most: number;
  mostOfOne: number;
  idleMs: number;
}

const DEFAULTS: SessionLimits = { most: 2_000, mostOfOne: 500, idleMs: 30 * 60_000 };
const SWEEP_MS = 60_000;
const RETRY_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #limits: SessionLimits;
  readonly #sweeping: NodeJS.Timeout;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.#limits = { ...DEFAULTS, ...limits };
    this.#sweeping = setInterval(() => this.#sweep(), Math.min(SWEEP_MS, this.#limits.idleMs)).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** A request of a session that is there, or the one that opens it. */
  async handle(
    exchange: Exchange,
    principal: string,
    body: unknown,
    serve: () => Serving,
    opens: boolean,
  ): Promise<void> {
    const id = exchange.request.headers['mcp-session-id'];
    if (id === undefined && opens) {
      await this.#open(exchange, principal, body, serve);
      return;
    }
    if (typeof id !== 'string') {
      refuse(exchange, 400, 'The header Mcp-Session-Id is missing; begin with "initialize".');
      return;
    }
    const session = this.#sessions.get(id);
    if (session?.principal !== principal) {
      refuse(exchange, 404, 'There is no such session; begin a new one with "initialize".', {}, -32001);
      return;
    }
    await this.#pass(session, exchange, body);
  }

  /** Ends every session of one principal, or of all for good. */
  async close(principal?: string): Promise<void> {
    if (principal === undefined) clearInterval(this.#sweeping);
    const ended = [...this.#sessions].filter(
      ([, one]) => principal === undefined || one.principal === principal,
    );
    await Promise.all(ended.map(([id]) => this.#end(id)));
  }

  async #open(exchange: Exchange, principal: string, body: unknown, serve: () => Serving): Promise<void> {
    if (!this.#hasRoomFor(principal)) {
      refuse(exchange, 503, 'Too many sessions are open; close some, or try again later.', {
        'retry-after': '60',
      });
      return;
    }
    const { server, updates } = serve();
    const events = new SessionEvents(() => this.size);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: events,
      retryInterval: RETRY_MS,
      keepAliveMs: KEEP_ALIVE_MS,
      onsessioninitialized: (id) => {
        const session = {
          principal,
          transport,
          server,
          events,
          updates,
          last: exchange,
          open: 0,
          usedAt: Date.now(),
        };
        this.#sessions.set(id, session);
        this.#track(session, exchange);
      },
      onsessionclosed: (id) => this.#end(id),
    });
    // Before there is a session, all is about the request that opens it.
    Object.assign(transport, {
      onerror: ({ message }: Error) => {
        const { last } = this.#sessions.get(transport.sessionId ?? '') ?? { last: exchange };
        last.refusal ??= message;
      },
    });
    await server.connect(transport);
    await transport.handleRequest(asOf(exchange, principal), exchange.response, body);
    if (transport.sessionId === undefined) await server.close();
  }

  async #pass(session: Session, exchange: Exchange, body: unknown): Promise<void> {
    this.#track(session, exchange);
    session.last = exchange;
    const request = asOf(exchange, session.principal);
    await session.transport.handleRequest(request, exchange.response, body);
  }

  #track(session: Session, { response }: Exchange): void {
    session.open++;
    session.usedAt = Date.now();
    response.once('close', () => {
      session.open--;
      session.usedAt = Date.now();
    });
  }

  /** The session that was idle for longest makes room. */
  #hasRoomFor(principal: string): boolean {
    const { most, mostOfOne } = this.#limits;
    const all = [...this.#sessions];
    const own = all.filter(([, session]) => session.principal === principal);
    const crowd = own.length >= mostOfOne ? own : all.length >= most ? all : [];
    if (crowd.length === 0) return true;
    const idle = crowd.filter(([, session]) => session.open === 0);
    const [oldest] = idle.toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    if (!oldest) return false;
    void this.#end(oldest[0]);
    return true;
  }

  #sweep(): void {
    const limit = Date.now() - this.#limits.idleMs;
    for (const [id, session] of this.#sessions) {
      if (session.open === 0 && session.usedAt < limit) void this.#end(id);
      else session.events.shrink();
    }
  }

  async #end(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    session.updates.close();
    await session.server.close();
  }
}

function asOf(
  { id, request }: Exchange,
  principal: string,
): typeof request & { auth: ReturnType<typeof authOf> } {
  return Object.assign(request, { auth: authOf(id, principal) });
}
