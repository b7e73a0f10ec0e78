import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/server';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { isRecord } from '../json.js';
import { topLevelId } from './message-id.js';
import { wrongShape } from './message-shape.js';

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
  /** The client sends nothing more; it may still read, so the connection is closed by whoever is told. */
  onend?: () => void;
  /** A client of the 2026 protocol listens to these resources, by the request of this id. */
  onlisten?: (id: RequestId, uris: string[]) => void;
  /** A request was cancelled; perhaps one to listen. */
  oncancelled?: (id: RequestId) => void;
  readonly #in: Readable;
  readonly #out: Writable;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #closed = false;
  #drained: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(input: Readable, output: Writable, maxBytes = MAX_LINE_BYTES) {
    this.#in = input;
    this.#out = output;
    this.#maxBytes = maxBytes;
  }

  start(): Promise<void> {
    this.#in.on('data', (chunk: Buffer) => this.#read(chunk));
    const end = (): void => this.onend?.();
    this.#in.once('end', end);
    this.#in.once('close', end);
    this.#in.on('error', (error) => this.onerror?.(error));
    // A client that went away without closing its side.
    this.#out.on('error', () => {
      end();
      void this.close();
    });
    return Promise.resolve();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) throw new Error('The client has gone.');
    if (this.#out.write(serializeMessage(message))) return;
    // One wait for all that is written while the client does not read.
    this.#drained ??= once(this.#out, 'drain', { signal: this.#closing.signal }).then(() => {
      this.#drained = undefined;
    });
    await this.#drained;
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#closing.abort(new Error('The client has gone.'));
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
    if (this.#size > this.#maxBytes && this.#chunks.length > 3) {
      this.#chunks.splice(1, this.#chunks.length - 3);
    }
  }

  #line(): void {
    const size = this.#size;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    if (!bytes || bytes.length === 0 || this.#closed) return;
    if (size > this.#maxBytes) {
      const limit = Math.floor(this.#maxBytes / 1024 ** 2);
      this.#refuse(
        bytes,
        `The message has ${Math.ceil(size / 1024 ** 2)} MiB; at most ${limit} MiB are read in one line. Give the image as a path or an https URL instead of inline.`,
      );
      return;
    }
    const wrong = wrongShape(bytes);
    if (wrong !== undefined) {
      this.#refuse(bytes, wrong);
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(bytes.toString('utf8'));
    } catch {
      this.onerror?.(new Error('a line on stdin is no JSON-RPC message'));
      return;
    }
    this.#noticeListening(message);
    this.onmessage?.(message);
  }

  #noticeListening(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    const params: unknown = message.params;
    if (message.method === 'notifications/cancelled' && isRecord(params)) {
      const { requestId } = params;
      if (typeof requestId === 'string' || typeof requestId === 'number') this.oncancelled?.(requestId);
    }
    if (message.method !== 'subscriptions/listen' || !('id' in message)) return;
    const filter = isRecord(params) ? params['notifications'] : undefined;
    const uris = isRecord(filter) ? filter['resourceSubscriptions'] : undefined;
    if (Array.isArray(uris))
      this.onlisten?.(
        message.id,
        uris.filter((uri) => typeof uri === 'string'),
      );
  }

  #refuse(ends: Buffer, message: string): void {
    this.onerror?.(new Error(message));
    const id = topLevelId(ends);
    if (id === undefined) return;
    this.send({ jsonrpc: '2.0', id, error: { code: -32600, message } }).catch(() => undefined);
  }
}
