import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Effect } from './actions.js';
import { deliver } from './delivery.js';
import type { Exchange, Reply } from './exchange.js';
import { textReply } from './exchange.js';
import type { FaultBook } from './faults.js';
import type { Journal, JournalEntry } from './journal.js';
import { parseJson, sha256 } from './json.js';

/** What a request asks for, told from its method and path before anything is carried out. */
export interface Classified {
  op: string;
  endpoint?: string | undefined;
  requestId?: string | undefined;
}

export interface RoleOptions<Action extends { type: string }> {
  role: string;
  /** 0 or none: any free port. */
  port?: number | undefined;
  journal: Journal;
  faults: FaultBook<Action>;
  now: () => number;
  /** Called for every request before it is looked at. */
  settle: () => void;
  classify(method: string, path: string, query: URLSearchParams): Classified;
  /** @param actions of all faults that hit this request, for those that only the provider understands */
  handle(exchange: Exchange, actions: Action[]): Reply | Promise<Reply>;
  effectOf(action: Action): Effect;
}

/** One origin of a provider: a loopback port with faults in front of it and a journal behind it. */
export interface RoleServer {
  readonly role: string;
  readonly url: string;
  /** Refuses connections and drops those that are open. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
  /** Sockets open now. */
  sockets(): number;
}

const KEPT_BODY_BYTES = 64 * 1024;

export async function startRole<Action extends { type: string }>(
  options: RoleOptions<Action>,
): Promise<RoleServer> {
  let revive: NodeJS.Timeout | undefined;
  const server = createServer((request, response) => {
    answer(options, request, response, (ms) => {
      void down();
      if (ms !== undefined) revive = setTimeout(() => void up(), ms);
    }).catch((error: unknown) => {
      // A defect of the emulator: it must be seen in the test, not look like a provider's fault.
      if (!response.headersSent)
        deliver(response, textReply(599, `emulator defect: ${String(error)}`), undefined, noop);
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.on('close', () => (open -= 1));
    socket.on('error', noop);
  });
  const port = await listen(server, options.port ?? 0);

  async function down(): Promise<void> {
    clearTimeout(revive);
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }
  async function up(): Promise<void> {
    clearTimeout(revive);
    if (!server.listening) await listen(server, port);
  }
  return {
    role: options.role,
    url: `http://127.0.0.1:${port}`,
    down,
    up,
    close: down,
    sockets: () => open,
  };
}

const noop = (): void => undefined;

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', 4096, () => {
      server.off('error', reject);
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
      else reject(new Error('The emulator got no port.'));
    });
  });
}

async function answer<Action extends { type: string }>(
  options: RoleOptions<Action>,
  request: IncomingMessage,
  response: ServerResponse,
  takeDown: (ms: number | undefined) => void,
): Promise<void> {
  const body = await readBody(request);
  options.settle();
  const url = new URL(request.url ?? '/', 'http://emulator');
  const path = decodePath(url.pathname);
  const method = request.method ?? 'GET';
  const classified = options.classify(method, path, url.searchParams);
  const target = { role: options.role, method, path, ...classified };
  const actions = options.faults.take(target);
  const entry = record(options, request, url, body, classified, actions);
  response.once('close', () => {
    if (entry.outcome === 'open') entry.outcome = response.writableFinished ? 'answered' : 'client-gone';
  });

  const exchange: Exchange = {
    role: options.role,
    op: classified.op,
    endpoint: classified.endpoint,
    requestId: classified.requestId,
    method,
    path,
    query: url.searchParams,
    headers: { ...request.headers },
    body,
    entry,
  };
  const effects = actions.map((action) => options.effectOf(action));
  for (const effect of effects) effect.prepare?.(exchange);
  const instead = effects.find((effect) => effect.instead)?.instead;
  let reply = instead ?? (await options.handle(exchange, actions));
  if (!instead) for (const effect of effects) reply = effect.alter?.(reply) ?? reply;
  entry.status = reply.status;
  deliver(response, reply, effects.find((effect) => effect.delivery)?.delivery, () => {
    entry.outcome = 'cut';
  });
  const fall = effects.find((effect) => effect.down)?.down;
  if (fall) takeDown(fall.ms);
}

function record<Action extends { type: string }>(
  { role, journal, now }: RoleOptions<Action>,
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  { op, endpoint, requestId }: Classified,
  actions: Action[],
): JournalEntry {
  const kept = journal.keeps && body.length > 0 && body.length <= KEPT_BODY_BYTES;
  const json = kept ? parseJson(body.toString('utf8')) : undefined;
  return journal.add({
    at: now(),
    role,
    op,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(requestId === undefined ? {} : { requestId }),
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.search,
    headers: request.headers,
    bodyBytes: body.length,
    bodySha256: journal.keeps && body.length > 0 ? sha256(body) : '',
    ...(json === undefined ? {} : { body: json }),
    faults: actions.map((action) => action.type),
    warnings: [],
    outcome: 'open',
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) {
    const bytes: Buffer = part;
    parts.push(bytes);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
