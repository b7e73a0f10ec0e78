import { isJsonObject, type JsonObject } from '../../src/json.js';

/** Requests of the stateless revision of 2026-07-28 over HTTP, one by one and without a client library. */

export const REVISION = '2026-07-28';

export interface ModernOptions {
  token?: string | undefined;
  headers?: Record<string, string>;
  capabilities?: object;
  /** More of what the request says of itself. */
  meta?: JsonObject;
  signal?: AbortSignal;
}

export interface ModernAnswer {
  status: number;
  headers: Headers;
  /** The JSON-RPC answer; absent when there was none. */
  message: JsonObject;
  text: string;
}

/** Sends one request and reads its whole answer, be it JSON or a stream. */
export async function modern(
  origin: string,
  method: string,
  params: JsonObject = {},
  { token, headers = {}, capabilities = {}, meta = {}, signal }: ModernOptions = {},
): Promise<ModernAnswer> {
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  const response = await fetch(`${origin}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': REVISION,
          'io.modelcontextprotocol/clientInfo': { name: 'meshwright-tests', version: '0.0.0' },
          'io.modelcontextprotocol/clientCapabilities': capabilities,
          ...meta,
        },
      },
    }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, message: lastMessage(text), text };
}

/** The structured answer of a tool. */
export async function callTool(
  origin: string,
  name: string,
  args: JsonObject,
  options?: ModernOptions,
): Promise<JsonObject> {
  const { message } = await modern(origin, 'tools/call', { name, arguments: args }, options);
  const result = isJsonObject(message['result']) ? message['result'] : {};
  return isJsonObject(result['structuredContent']) ? result['structuredContent'] : result;
}

/** The one JSON body, or the last message of an event stream. */
function lastMessage(text: string): JsonObject {
  const data = text.split('\n').filter((line) => line.startsWith('data: '));
  const json = data.at(-1)?.slice('data: '.length) ?? text;
  try {
    const parsed: unknown = JSON.parse(json);
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}
