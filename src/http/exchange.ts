import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.js';

/** One request and its answer. */
export interface Exchange {
  /** Quoted in the log, and to callers when something broke. */
  id: string;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  log: Log;
}

export function newExchange(request: IncomingMessage, response: ServerResponse, log: Log): Exchange {
  // Only the path and the query are looked at; what the client calls the server was checked by the guard.
  const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/');
  return { id: randomUUID().slice(0, 8), request, response, url, log };
}

/** An answer of a few words, as JSON. */
export function answer(
  { response }: Pick<Exchange, 'response'>,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(`${JSON.stringify(body)}\n`);
}

/** A refusal in the form that clients of `/mcp` read, and everybody else as well. */
export function refuse(
  exchange: Pick<Exchange, 'response'>,
  status: number,
  message: string,
  headers: Record<string, string> = {},
  code = -32000,
): void {
  answer(exchange, status, { jsonrpc: '2.0', error: { code, message }, id: null }, headers);
}
