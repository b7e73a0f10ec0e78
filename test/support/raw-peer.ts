import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { parseJSONRPCMessage } from '@modelcontextprotocol/client';
import { isJsonObject, isRecord, type Json, type JsonObject, toJson } from '../../src/json.js';

type Answer =
  | { kind: 'result'; result: JsonObject }
  | { kind: 'error'; error: { code: number; message: string; data?: Json } };

/** Speaks JSON-RPC message by message over a client's transport, for what no client library can say. */
export class RawPeer {
  readonly #transport: Transport;
  readonly #meta: object;
  readonly #waiting = new Map<unknown, (answer: Answer) => void>();
  #next = 0;

  /** @param meta - what every request carries in `_meta` */
  constructor(transport: Transport, meta: object) {
    this.#transport = transport;
    this.#meta = meta;
    const others = transport.onmessage;
    Object.assign(transport, {
      onmessage: (message: JSONRPCMessage, extra: never) => {
        if (!this.#take(message)) others?.call(transport, message, extra);
      },
    });
  }

  /** Shares the connection of a client that is connected already. */
  static beside(transport: Transport): RawPeer {
    return new RawPeer(transport, {});
  }

  start(): Promise<void> {
    return this.#transport.start();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async result(method: string, params: object): Promise<JsonObject> {
    const answer = await this.request(method, params);
    if (answer.kind === 'error') throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }

  async error(method: string, params: object): Promise<{ code: number; message: string }> {
    const answer = await this.request(method, params);
    if (answer.kind === 'result') throw new Error(`${method} was answered: ${JSON.stringify(answer.result)}`);
    return answer.error;
  }

  request(method: string, params: object): Promise<Answer> {
    return this.dispatch({ method, params: { ...params, _meta: this.#meta } });
  }

  /** Sends a request as it is, with an id of its own. */
  async dispatch(request: unknown): Promise<Answer> {
    const id = `raw-${this.#next++}`;
    const answered = new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    await this.#transport.send(
      parseJSONRPCMessage({ ...(isRecord(request) ? request : {}), jsonrpc: '2.0', id }),
    );
    return answered;
  }

  #take(message: JSONRPCMessage): boolean {
    if (!('id' in message)) return false;
    const resolve = this.#waiting.get(message.id);
    if (!resolve) return false;
    this.#waiting.delete(message.id);
    if ('error' in message) {
      const { code, message: text, data } = message.error;
      resolve({
        kind: 'error',
        error: { code, message: text, ...(data === undefined ? {} : { data: toJson(data) }) },
      });
    } else if ('result' in message) {
      const result = toJson(message.result);
      if (isJsonObject(result)) resolve({ kind: 'result', result });
    }
    return true;
  }
}
