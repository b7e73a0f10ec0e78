import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Readable, Writable } from 'node:stream';
import type { Config } from './config.js';
import { messageOf } from './errors.js';
import { isRecord } from './json.js';
import type { Jobs } from './jobs/service.js';
import { createLog, keepSecret } from './log.js';
import { createServer, type Serving, visibleTools } from './server.js';

/** The stdio server: one client, one local principal, every protocol revision. */

/** What all known clients can read in one line as base64 (their buffers hold 10 MiB). */
const MAX_READ_BYTES = 7 * 1024 * 1024;
const MAX_LINE_BYTES = 10 * 1024 * 1024;
/** Unfinished jobs of earlier runs are taken up once the client has what it starts with. */
const START_DELAY_MS = 1_000;

export async function serveOverStdio(config: Config): Promise<void> {
  keepSecret(config.falKey, config.pixazoKey, config.scenarioKey, config.scenarioSecret);
  const log = createLog(config.log);
  visibleTools(config); // a bad MESHWRIGHT_TOOLS stops the start
  let opened: Promise<Jobs> | undefined;
  const jobs = (): Promise<Jobs> => {
    opened ??= openJobs(config, log);
    // A data folder that cannot be used now may be usable at the next call.
    opened.catch(() => (opened = undefined));
    return opened;
  };
  const transport = new LineTransport(process.stdin, process.stdout);
  const instances = new Set<Serving>();
  serveStdio(
    () => {
      const serving = createServer({
        config,
        log,
        jobs,
        principal: 'local',
        locate: (service) => (asset) => ({ path: service.assets.path(asset) }),
        maxReadBytes: MAX_READ_BYTES,
      });
      instances.add(serving);
      return serving.server;
    },
    { transport, onerror: (error) => log.warn('a protocol error', { error: error.message }) },
  );
  // The entry answers `subscriptions/listen` itself and passes on what the server sends for these URIs.
  transport.onlisten = (uris) => {
    for (const { resources } of instances) {
      for (const uri of uris) {
        resources.subscribe(uri).catch((error: unknown) => log.debug('cannot subscribe', { error: messageOf(error) }));
      }
    }
  };
  const starting = setTimeout(() => {
    jobs().catch((error: unknown) => log.error('cannot open the data folder', { error: messageOf(error) }));
  }, START_DELAY_MS);
  await new Promise<void>((resolve) => {
    transport.onend = resolve;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve());
  });
  clearTimeout(starting);
  for (const { resources } of instances) resources.close();
  await transport.close();
  await opened?.then((service) => service.stop()).catch(() => undefined);
  process.exit(0);
}

async function openJobs(config: Config, log: ReturnType<typeof createLog>): Promise<Jobs> {
  const [{ Jobs: Service }, { findModel }] = await Promise.all([import('./jobs/service.js'), import('./tools/models.js')]);
  const service = new Service({ config, log, model: (tool) => Promise.resolve(findModel(tool)) });
  await service.start();
  return service;
}

/**
 * One JSON-RPC message a line. The SDK's own transport closes the connection on a line that is too long, and
 * joins its buffer anew for every chunk; here such a line is answered with an error and skipped, and everything
 * else goes on.
 */
export class LineTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** The client has closed its side. */
  onend?: () => void;
  /** A client of the 2026 protocol listens to these resources. */
  onlisten?: (uris: string[]) => void;
  readonly #in: Readable;
  readonly #out: Writable;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #closed = false;

  constructor(input: Readable, output: Writable, maxBytes = MAX_LINE_BYTES) {
    this.#in = input;
    this.#out = output;
    this.#maxBytes = maxBytes;
  }

  start(): Promise<void> {
    this.#in.on('data', (chunk: Buffer) => this.#read(chunk));
    const end = (): void => {
      this.onend?.();
      void this.close();
    };
    this.#in.once('end', end);
    this.#in.once('close', end);
    this.#in.on('error', (error) => this.onerror?.(error));
    // A client that went away without closing its side.
    this.#out.on('error', end);
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(new Error('The client has gone.'));
      else if (this.#out.write(serializeMessage(message))) resolve();
      else this.#out.once('drain', resolve);
    });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#in.pause();
      this.#chunks = [];
      this.onclose?.();
    }
    return Promise.resolve();
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#take(rest.subarray(0, end));
      this.#line();
      rest = rest.subarray(end + 1);
    }
    this.#take(rest);
  }

  #take(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#size += piece.length;
    this.#chunks.push(piece);
    // Of a line that is too long only its two ends are kept: the id is in one of them.
    if (this.#size > this.#maxBytes && this.#chunks.length > 2) this.#chunks.splice(1, this.#chunks.length - 2);
  }

  #line(): void {
    const size = this.#size;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    if (!bytes || bytes.length === 0 || this.#closed) return;
    if (size > this.#maxBytes) {
      this.#refuse(bytes, size);
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(bytes.toString('utf8'));
    } catch {
      this.onerror?.(new Error('a line on stdin is no JSON-RPC message'));
      return;
    }
    const uris = listenedUris(message);
    if (uris.length > 0) this.onlisten?.(uris);
    this.onmessage?.(message);
  }

  #refuse(ends: Buffer, size: number): void {
    const text = `${ends.toString('latin1', 0, 65_536)}\n${ends.toString('latin1', Math.max(0, ends.length - 65_536))}`;
    const ids = [...text.matchAll(/"id"\s*:\s*("(?:[^"\\]|\\.){1,200}"|-?\d{1,16})\s*[,}]/g)];
    const id: unknown = ids.length > 0 ? JSON.parse(ids.at(-1)?.[1] ?? 'null') : undefined;
    const limit = Math.floor(this.#maxBytes / 1024 ** 2);
    const message = `The message has ${Math.ceil(size / 1024 ** 2)} MiB; at most ${limit} MiB are read in one line. Give the image as a path or an https URL instead of inline.`;
    this.onerror?.(new Error(message));
    if (typeof id !== 'string' && typeof id !== 'number') return;
    this.send({ jsonrpc: '2.0', id, error: { code: -32600, message } }).catch(() => undefined);
  }
}

function listenedUris(message: JSONRPCMessage): string[] {
  if (!('method' in message) || message.method !== 'subscriptions/listen') return [];
  const filter = isRecord(message.params) ? message.params['notifications'] : undefined;
  const uris = isRecord(filter) ? filter['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}
