import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { z } from 'zod';
import type { Clock } from './clock.js';
import type { FaultBook, FaultRule } from './faults.js';
import type { Journal } from './journal.js';
import type { Json } from './json.js';
import { parseJson } from './json.js';
import type { Ledger } from './ledger.js';
import type { RoleServer } from './role-server.js';

/** What every emulator lets another process see and do; a provider adds routes of its own. */
export interface Controlled<Action> {
  name: string;
  clock: Clock;
  journal: Journal;
  ledger: Ledger;
  faults: FaultBook<Action>;
  parseAction: (value: unknown) => Action;
  servers: readonly RoleServer[];
  reset(): void;
  urls(): Record<string, string>;
  /** Keyed `METHOD /path`; the value answers with JSON. */
  routes: Record<string, Route>;
}

const matchSchema = z.strictObject({
  role: z.string().optional(),
  op: z.string().optional(),
  endpoint: z.string().optional(),
  requestId: z.string().optional(),
  method: z.string().optional(),
  path: z.string().optional(),
});
const ruleSchema = z.strictObject({
  match: matchSchema.default({}),
  nth: z.number().int().positive().optional(),
  times: z.union([z.number().int().positive(), z.literal('always')]).optional(),
  action: z.unknown(),
});
const advanceSchema = z.strictObject({ ms: z.number().min(0) });
const roleSchema = z.strictObject({ role: z.string() });

export interface ControlServer {
  url: string;
  close(): Promise<void>;
}

/**
 * The control plane as HTTP, JSON in and out:
 *
 * `GET /urls`, `/clock`, `/journal?role=&op=&endpoint=&requestId=`, `/counts`, `/ledger`, `/faults`;
 * `POST /clock/advance {ms}`, `/faults {match, nth, times, action}` (or a list), `/down {role}`, `/up {role}`, `/reset`;
 * `DELETE /faults?id=`, `/journal`.
 */
export async function startControl<Action>(controlled: Controlled<Action>, port = 0): Promise<ControlServer> {
  const routes = { ...commonRoutes(controlled), ...controlled.routes };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://control');
      const route = routes[`${request.method} ${url.pathname}`];
      if (!route) {
        send(response, 404, {
          error: `No control route ${request.method} ${url.pathname}.`,
          routes: Object.keys(routes),
        });
        return;
      }
      Promise.resolve()
        .then(() => route(parseJson(Buffer.concat(parts).toString('utf8')), url.searchParams))
        .then(
          (value) => send(response, 200, value),
          (error: unknown) =>
            send(response, 400, { error: error instanceof Error ? error.message : String(error) }),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The control plane got no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, value: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

export type Route = (body: Json | undefined, query: URLSearchParams) => Json | Promise<Json>;

function commonRoutes<Action>(controlled: Controlled<Action>): Record<string, Route> {
  const { clock, journal, ledger, faults, servers } = controlled;
  const serverOf = (body: Json | undefined): RoleServer => {
    const { role } = roleSchema.parse(body);
    const server = servers.find((candidate) => candidate.role === role);
    if (!server)
      throw new Error(`No role ${role}; there are ${servers.map((known) => known.role).join(', ')}.`);
    return server;
  };
  return {
    'GET /urls': () => controlled.urls(),
    'GET /clock': () => ({ now: clock.now() }),
    'POST /clock/advance': (body) => {
      clock.advance(advanceSchema.parse(body).ms);
      return { now: clock.now() };
    },
    'GET /journal': (_, query) =>
      toJson(
        journal.entries({
          role: query.get('role') ?? undefined,
          op: query.get('op') ?? undefined,
          endpoint: query.get('endpoint') ?? undefined,
          requestId: query.get('requestId') ?? undefined,
        }),
      ),
    'DELETE /journal': () => {
      journal.clear();
      return {};
    },
    'GET /counts': () => ({
      requests: journal.counts(),
      sockets: Object.fromEntries(servers.map((server) => [server.role, server.sockets()])),
    }),
    'GET /ledger': () => toJson({ accepted: ledger.accepted, usd: ledger.usd, entries: ledger.entries() }),
    'GET /faults': () => toJson(faults.list()),
    // One rule, or a list of them: all are checked before the first is placed.
    'POST /faults': (body) => {
      const rules = (Array.isArray(body) ? body : [body]).map((rule) =>
        parseRule(rule, controlled.parseAction),
      );
      return { ids: rules.map((rule) => faults.place(rule).id) };
    },
    'DELETE /faults': (_, query) => {
      const id = query.get('id');
      if (id === null) faults.clear();
      else faults.remove(Number(id));
      return {};
    },
    'POST /down': async (body) => {
      await serverOf(body).down();
      return {};
    },
    'POST /up': async (body) => {
      await serverOf(body).up();
      return {};
    },
    'POST /reset': () => {
      controlled.reset();
      return {};
    },
  };
}

function parseRule<Action>(
  body: Json | undefined,
  parseAction: (value: unknown) => Action,
): FaultRule<Action> {
  const { action, ...rule } = ruleSchema.parse(body);
  return { ...rule, action: parseAction(action) };
}

/** Through its text: what is not JSON (functions, undefined) drops out. */
export function toJson(value: unknown): Json {
  return parseJson(JSON.stringify(value)) ?? null;
}
