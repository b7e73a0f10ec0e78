import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../errors.js';
import { isRecord } from '../json.js';
import type { Log, LogFields } from '../log.js';
import { inTrace, type Trace, traceOf } from '../trace.js';
import { discard } from './body.js';

/** One request and its answer. */
export interface Exchange {
  /** Quoted in the log, and to callers when something broke. */
  id: string;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  log: Log;
  /** Whom the connection is from; a proxy where there is one. */
  address: string | undefined;
  /** What the request is a part of. */
  trace: Trace | undefined;
  /** Who is calling, once that is known. */
  principal?: string;
  /** Why it was turned down. */
  refusal?: string | undefined;
  /** What broke in here. */
  fault?: unknown;
  /** The status that the connection itself was closed with, past the response object. */
  closedWith?: number;
}

/** As nginx has it: the client went away before any answer. */
const CLIENT_GONE = 499;

/** The status that was sent. */
export function statusOf({ response, closedWith }: Exchange): number {
  return closedWith ?? (response.headersSent ? response.statusCode : CLIENT_GONE);
}

export function newExchange(request: IncomingMessage, response: ServerResponse, log: Log): Exchange {
  // Only the path and the query are looked at; what the client calls the server was checked by the guard.
  const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/');
  const id = randomUUID().slice(0, 8);
  // The socket forgets it when it closes.
  const address = request.socket.remoteAddress;
  return { id, request, response, url, log, address, trace: traceOf(request.headers) };
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

/**
 * A refusal in the form that clients of `/mcp` read, and everybody else as well. What is still to come of the body is
 * not kept, and the log gets its line when the answer is out.
 */
export function refuse(
  exchange: Exchange,
  status: number,
  message: string,
  headers: Record<string, string> = {},
  code = -32000,
): void {
  exchange.refusal = message;
  answer(exchange, status, { jsonrpc: '2.0', error: { code, message }, id: null }, headers);
  if (!exchange.request.complete) discard(exchange.request);
}

/** The reason that is in a refusal of the protocol library. */
export function reasonIn(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) ? body['error'] : undefined;
    return isRecord(error) && typeof error['message'] === 'string' ? error['message'] : undefined;
  } catch {
    return undefined;
  }
}

/** One line for every request that is over: a fault or a refusal is for everybody to see, the rest for who looks for it. */
export function logEnd(exchange: Exchange, seconds: number): void {
  const { id, request, url, log, trace, address, principal, refusal, fault } = exchange;
  const status = statusOf(exchange);
  const fields: LogFields = {
    id,
    principal,
    address,
    method: request.method ?? '',
    // The address of a callback is as good as a key.
    path: url.pathname.replace(/^(\/webhooks\/.*)\..*/, '$1.…'),
    status,
    ms: Math.round(seconds * 1000),
  };
  inTrace(trace, () => {
    if (fault !== undefined) {
      const stack = fault instanceof Error ? fault.stack : undefined;
      log.error('a request failed', { ...fields, error: messageOf(fault), stack });
    } else if (status >= 500) {
      log.error('a request failed', { ...fields, error: refusal ?? 'the protocol library gave no reason' });
    } else if (status >= 400 && status !== CLIENT_GONE) {
      log.info('a request was refused', { ...fields, error: refusal });
    } else log.debug('request', fields);
  });
}
