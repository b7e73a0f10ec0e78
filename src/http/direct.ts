import { logFor } from '../log.js';
import type { ServerDeps } from '../server.js';
import { DIRECT_REVISION, type DirectRequest, directRequest, directResult } from '../server/direct.js';
import type { Exchange } from './exchange.js';

/**
 * Plain requests of 2026-07-28, answered without a server object. What is not plain in body and headers, or says of
 * itself what the protocol entry has not taken yet, goes to that entry: it alone refuses.
 */

const MOST_ENVELOPES = 1_000;

export class DirectAnswers {
  /** What clients said of themselves in requests that the protocol entry took. */
  readonly #taken = new Set<string>();

  /** Answers the request; `false` when it is not for here. */
  async answer(exchange: Exchange, body: unknown, deps: ServerDeps): Promise<boolean> {
    const request = directRequest(body);
    if (!request || !agrees(exchange, request)) return false;
    if (!this.#taken.has(request.envelope)) {
      this.#learn(exchange, request);
      return false;
    }
    const log = logFor(deps.log, { request: exchange.id });
    const result = await directResult({ ...deps, log }, request);
    if (result === undefined) return false;
    const text = `{"result":${result},"jsonrpc":"2.0","id":${JSON.stringify(request.id)}}`;
    const { response } = exchange;
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
    return true;
  }

  #learn({ response }: Exchange, { envelope }: DirectRequest): void {
    response.once('finish', () => {
      if (response.statusCode !== 200) return;
      if (this.#taken.size >= MOST_ENVELOPES) this.#taken.clear();
      this.#taken.add(envelope);
    });
  }
}

function agrees({ request: { headers } }: Exchange, request: DirectRequest): boolean {
  return (
    headers['mcp-protocol-version'] === DIRECT_REVISION &&
    headers['mcp-method'] === request.method &&
    (request.method === 'tools/list' || headers['mcp-name'] === request.name)
  );
}
