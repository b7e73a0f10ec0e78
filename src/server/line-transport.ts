import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/server';
import type { Readable, Writable } from 'node:stream';
import { isRecord } from '../json.js';

/** Longest line that is read (contract, section 7, point 7). */
const MAX_LINE_BYTES = 10 * 1024 * 1024;

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
    if (this.#size > this.#maxBytes && this.#chunks.length > 2)
      this.#chunks.splice(1, this.#chunks.length - 2);
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
