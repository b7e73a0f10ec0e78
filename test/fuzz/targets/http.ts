import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '../../../src/config.js';
import { type HttpServer, startHttp } from '../../../src/http.js';
import { isRecord } from '../../../src/json.js';
import { createLog } from '../../../src/log.js';
import { mutateJson } from '../mutate-json.js';
import { Broken, hold, json, type Target, text, toJsonValue } from '../target.js';

/** Requests to the real server, as bytes or as `{method, path, headers, body}`. */
export const target: Target = {
  about: 'HTTP requests, whole and in disorder',
  guides: ['/src/http', '/src/server', '/src/jobs/arguments', '/src/tools/tool'],
  seeds: () => [
    request(
      'POST',
      '/mcp',
      call('initialize', {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'x', version: '1' },
      }),
    ),
    request('POST', '/mcp', call('tools/list', {}), { 'mcp-protocol-version': '2025-06-18' }),
    request(
      'POST',
      '/mcp',
      call('tools/call', { name: 'list_jobs', arguments: { limit: 3 }, _meta: MODERN }),
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'list_jobs' },
    ),
    request('POST', '/mcp', call('resources/read', { uri: 'meshwright://models', _meta: MODERN }), {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'resources/read',
      'mcp-name': 'meshwright://models',
    }),
    request('POST', '/mcp', call('tasks/get', { taskId: 'x', _meta: MODERN }), {
      'mcp-protocol-version': '2026-07-28',
    }),
    request('GET', '/mcp', undefined, {
      'mcp-session-id': 'x',
      accept: 'text/event-stream',
      'last-event-id': '1',
    }),
    request('DELETE', '/mcp', undefined, { 'mcp-session-id': 'x' }),
    request('GET', `/assets/${ASSET}/a.glb?exp=1800000000&sig=${'A'.repeat(43)}`, undefined, {
      range: 'bytes=0-5',
      'if-none-match': '"x"',
    }),
    request('PUT', `/uploads/${ASSET}/bG9jYWw?exp=1&sig=${'A'.repeat(43)}`, 'PNG'),
    request('POST', '/uploads', 'PNG', { 'content-type': 'image/png' }),
    request('POST', `/webhooks/fal/job_${'0'.repeat(26)}.${'A'.repeat(43)}`, { request_id: 'r1' }),
    request('GET', '/healthz', undefined, { host: 'evil.example', origin: 'https://evil.example' }),
    request('OPTIONS', '/mcp', undefined, {
      origin: 'http://localhost:3000',
      'access-control-request-method': 'POST',
    }),
    request('GET', '//evil.example/%2e%2e/%00?#'),
    text('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    text(
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
    ),
    text(
      'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
    ),
  ],
  mutate: mutateJson,
  tokens: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', '/mcp', '/assets/', '/uploads', '/webhooks/fal/', '/webhooks/pixazo/', '/healthz', '/readyz', '/metrics', 'host', 'origin', 'range', 'accept', 'content-type', 'authorization', 'Bearer x', 'mcp-session-id', 'mcp-protocol-version', '2026-07-28', '2025-06-18', 'text/event-stream', 'application/json', 'jsonrpc', 'method', 'params', '_meta', 'tools/call', 'resources/read', 'subscriptions/listen', 'completion/complete', 'bytes=', '\r\n', '%00', '%2e%2e', 'null', '127.0.0.1', 'localhost'], // prettier-ignore
  maxBytes: 32 * 1024,
  quick: 60,
  close: async () => {
    await (await starting)?.close();
    starting = undefined;
  },
  run: async (bytes) => {
    const { url } = await server();
    defects.length = 0;
    const script = toJsonValue(bytes);
    const answer = await exchange(Number(new URL(url).port), isRecord(script) ? requestOf(script) : bytes);
    hold(
      answer === '' || /^HTTP\/1\.1 [1-5]\d\d /.test(answer),
      `an answer that is none: ${answer.slice(0, 100)}`,
    );
    hold(!/^HTTP\/1\.1 500 /m.test(answer), `a defect: ${answer.slice(0, 600)}`);
    if (defects.length > 0)
      throw new Broken(`the log speaks of a defect: ${defects.join(' ').slice(0, 600)}`);
  },
};

const ASSET = `asset_${'0'.repeat(26)}`;
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

function call(method: string, params: object): object {
  return { jsonrpc: '2.0', id: 1, method, params };
}

function request(
  method: string,
  where: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Uint8Array {
  const usual = {
    host: 'localhost',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  return json({ method, path: where, headers: { ...usual, ...headers }, body });
}

const defects: string[] = [];
let starting: Promise<HttpServer> | undefined;

function server(): Promise<HttpServer> {
  starting ??= (async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'meshwright-fuzz-'));
    const config = loadConfig({
      MESHWRIGHT_DATA_DIR: folder,
      MESHWRIGHT_ALLOWED_DIRS: '',
      MESHWRIGHT_TOOLS: 'jobs,assets',
    });
    return startHttp(
      config,
      { host: '127.0.0.1', port: 0 },
      createLog('error', (line) => defects.push(line)),
    );
  })();
  return starting;
}

function requestOf({ method, path: where, headers, body }: Record<string, unknown>): Uint8Array {
  const content = Buffer.from(
    typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
  );
  const lines = Object.entries(isRecord(headers) ? headers : {}).map(
    ([name, value]) => `${name}: ${word(value)}`,
  );
  const head = [
    `${word(method)} ${word(where)} HTTP/1.1`,
    ...lines,
    `content-length: ${content.length}`,
    'connection: close',
    '',
    '',
  ];
  return new Uint8Array(Buffer.concat([Buffer.from(head.join('\r\n')), content]));
}

const word = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** A stream that stays open, and a request that is not whole, are left after a moment. */
const PATIENCE_MS = 15;

function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let answer = '';
    const over = (): void => {
      socket.destroy();
      resolve(answer);
    };
    const patience = setTimeout(over, 200);
    socket.on('data', (chunk: Buffer) => {
      answer = (answer + chunk.toString('latin1')).slice(0, 4000);
      setTimeout(over, PATIENCE_MS);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(patience);
      resolve(answer);
    });
    socket.write(bytes);
  });
}
