import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from './json.js';
import type { JournalEntry } from './journal.js';

/** A request that was read to its end, and what it asks for in the provider's terms. */
export interface Exchange {
  role: string;
  op: string;
  endpoint: string | undefined;
  requestId: string | undefined;
  method: string;
  /** Decoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
  entry: JournalEntry;
}

/** Where a stream's text goes; a fault may sit in between. */
export interface StreamSink {
  write(text: string): void;
  end(): void;
  /** Runs once, when either side is done. */
  onClose(run: () => void): void;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Sent without `Content-Length`. */
  chunked?: boolean;
  /** Instead of a body: called once the headers are out. */
  stream?: (sink: StreamSink) => void;
}

export function jsonReply(status: number, value: Json, headers: Record<string, string> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export function textReply(status: number, text: string, contentType = 'text/plain; charset=utf-8'): Reply {
  return { status, headers: { 'content-type': contentType }, body: text };
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
