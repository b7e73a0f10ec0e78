import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { type HttpServer, startHttp } from '../../src/http.js';
import { silentLog } from '../../src/log.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';
import { callTool } from '../support/modern.js';

const PREFIX = 'io.modelcontextprotocol/';

let folder: string;
let server: HttpServer;
let jobId: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const config = loadConfig({ HOME: folder }, { MESHWRIGHT_DATA_DIR: folder, MESHWRIGHT_ALLOWED_DIRS: '' });
  server = await startHttp(config, { host: '127.0.0.1', port: 0 }, silentLog);
  const args = { image_url: dataUri(await ballPng(61)), target_triangles: 2000 };
  const { job_id: id } = await callTool(server.url, 'local_image_to_3d', args);
  jobId = typeof id === 'string' ? id : '';
});
afterAll(async () => {
  await server.close();
  await removeFolder(folder);
});

interface Sent {
  body: unknown;
  headers: Record<string, string>;
}

interface Told {
  status: number;
  type: string | null;
  body: unknown;
  /** An answer of the server itself says how long it is; the SDK's come in chunks. */
  direct: boolean;
}

async function send({ body, headers }: Sent): Promise<Told> {
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  // A link's signature holds the second in which it was made.
  const same = text.replaceAll(/exp=\d+&sig=[\w-]+/g, 'exp=…');
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: same.startsWith('{') ? JSON.parse(same) : same,
    direct: response.status === 200 && response.headers.has('content-length'),
  };
}

const word = fc.string({ minLength: 1, maxLength: 12 });
const args = (name: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(name === 'get_job' ? { job_id: '$job' } : {}) },
    fc.constantFrom(
      undefined,
      { job_id: 'job_nobodys' },
      { tool: 'triposr' },
      { tool: 'nothing' },
      { limit: '2' },
      { limit: 0 },
      { cursor: 'x' },
      { status: 'failed' },
      { unknown: [1, { deep: true }] },
      JSON.parse('{"__proto__":{"limit":1}}'),
      [],
      'text',
      null,
    ),
    fc.dictionary(word, fc.jsonValue(), { maxKeys: 3 }),
  );

/** Requests as clients send them, and near misses of such. */
const request = fc
  .record({
    name: fc.constantFrom(
      '',
      'list_models',
      'get_job',
      'list_jobs',
      'list_assets',
      'delete_asset',
      'nothing',
    ),
    id: fc.oneof(fc.integer(), fc.string(), fc.constantFrom(null, 1.5, undefined, {})),
    envelope: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom(
        { progressToken: 1 },
        { 'example.com/trace': 'a' },
        { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
        { traceparent: 7 },
        { [`${PREFIX}logLevel`]: 'debug' },
        { [`${PREFIX}clientInfo`]: undefined },
        { [`${PREFIX}clientInfo`]: 'me' },
        { [`${PREFIX}clientCapabilities`]: undefined },
        {
          [`${PREFIX}clientCapabilities`]: {
            elicitation: {},
            extensions: { 'io.modelcontextprotocol/tasks': {} },
          },
        },
        { [`${PREFIX}clientCapabilities`]: { elicitation: 7 } },
        { [`${PREFIX}protocolVersion`]: '2025-11-25' },
        { [`${PREFIX}protocolVersion`]: '2030-01-01' },
      ),
    ),
    params: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom({ cursor: 'x' }, { task: {} }, { extra: 1 }, { inputResponses: {} }),
    ),
    headers: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom(
        { 'mcp-name': 'other' },
        { 'mcp-method': 'tools/other' },
        { 'mcp-protocol-version': '2025-06-18' },
        { 'mcp-session-id': 'nobodys' },
        { accept: 'text/html' },
      ),
    ),
    extra: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom({ jsonrpc: '1.0' }, { more: 1 }),
    ),
  })
  .chain(({ name, ...rest }) => args(name).map((given) => ({ name, given, ...rest })))
  .map(({ name, given, id, envelope, params, headers, extra }): Sent => {
    const method = name === '' ? 'tools/list' : 'tools/call';
    const meta = {
      [`${PREFIX}protocolVersion`]: '2026-07-28',
      [`${PREFIX}clientInfo`]: { name: '$client', version: '1' },
      [`${PREFIX}clientCapabilities`]: {},
      ...envelope,
    };
    return {
      body: {
        jsonrpc: '2.0',
        id,
        method,
        params: { ...(name === '' ? {} : { name, arguments: given }), ...params, _meta: meta },
        ...extra,
      },
      headers: {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(name === '' ? {} : { 'mcp-name': name }),
        ...headers,
      },
    };
  });

describe('a plain request', () => {
  it('gets the same answer without a server object as with one', async () => {
    let clients = 0;
    let direct = 0;
    await fc.assert(
      fc.asyncProperty(request, async (sent) => {
        // Nobody has said this of itself before, so the first answer is the SDK's.
        const text = JSON.stringify(sent.body).replace('$client', `client ${++clients}`);
        const body: unknown = JSON.parse(text.replaceAll('$job', jobId));
        const first = await send({ ...sent, body });
        const second = await send({ ...sent, body });
        if (second.direct && !first.direct) direct++;
        expect({ ...second, direct: first.direct }).toEqual(first);
      }),
      { numRuns: 150 },
    );
    expect(direct).toBeGreaterThan(15);
  });
});
