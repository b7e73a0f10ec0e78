import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { type HttpOptions, type HttpServer, startHttp } from '../../src/http.js';
import { isRecord } from '../../src/json.js';
import { createLog } from '../../src/log.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { ballPng } from '../support/images.js';
import { callTool, modern, REVISION } from '../support/modern.js';

interface Started extends HttpServer {
  folder: string;
  /** Every line that was logged. */
  lines: Record<string, unknown>[];
}

const started: Started[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) {
    await server.close();
    await removeFolder(server.folder);
  }
});

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
/** Everybody's token is `token-of-` and the name. */
const tokenFile = (...names: string[]): string =>
  JSON.stringify({ principals: names.map((name) => ({ name, token_sha256: hashOf(`token-of-${name}`) })) });
const as = (name: string): { authorization: string } => ({ authorization: `Bearer token-of-${name}` });

async function start(options: Partial<HttpOptions> = {}, ...principals: string[]): Promise<Started> {
  const folder = await temporaryFolder();
  const tokens = path.join(folder, 'tokens.json');
  if (principals.length > 0) await writeFile(tokens, tokenFile(...principals));
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', (line) => {
    const entry: unknown = JSON.parse(line);
    if (isRecord(entry)) lines.push(entry);
  });
  const settings = { MESHWRIGHT_DATA_DIR: folder, MESHWRIGHT_ALLOWED_DIRS: '' };
  const config = loadConfig(
    { HOME: folder },
    principals.length > 0 ? { ...settings, MESHWRIGHT_TOKENS: tokens } : settings,
  );
  const server = await startHttp(config, { host: '127.0.0.1', port: 0, ...options }, log);
  const all = { ...server, folder, lines };
  started.push(all);
  return all;
}

const refusals = ({ lines }: Started): Record<string, unknown>[] =>
  lines.filter(({ message }) => message === 'a request was refused');

/** What comes back for these bytes until the server closes the connection. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let told = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => (told += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(told));
  });
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '0' } },
});

const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/mcp`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  });

/** Opens a session and answers its header. */
async function session(url: string, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const response = await post(url, initialize, headers);
  await response.text();
  return { ...headers, 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

describe('a server that is bound to every address', () => {
  const warnings = ({ lines }: Started): unknown[] => lines.filter(({ level }) => level === 'warn');

  it('says at its start where its links lead', async () => {
    const everywhere = await start({ host: '0.0.0.0' }, 'ada');
    expect(warnings(everywhere)).toMatchObject([
      { message: expect.stringContaining('set MESHWRIGHT_PUBLIC_URL'), links: everywhere.url },
    ]);
    expect(warnings(await start({}, 'ada'))).toEqual([]);
  });
});

describe('connections that do not get on', () => {
  const address = '127.0.0.1';
  it.each<[string, string, object]>([
    ['a head', 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n', { address }],
    ['nothing at all', '', { address }],
    [
      'a body',
      'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"json',
      { method: 'POST', path: '/mcp' },
    ],
  ])('end after %s that never ends, with one line', async (_what, text, told) => {
    const server = await start({ timeouts: { headers: 200, request: 400 } });
    expect(await raw(server.url, text)).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => refusals(server)).toMatchObject([{ status: 408, ...told }]);
    // These are short times: on a busy machine they may be over for others as well.
    await expect.poll(async () => (await modern(server.url, 'tools/list')).status).toBe(200);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a head without end', `GET /${'x'.repeat(70_000)} HTTP/1.1\r\n\r\n`, 431],
  ])('end with the right status when they send %s', async (_what, text, status) => {
    const server = await start();
    expect(await raw(server.url, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(refusals(server)).toHaveLength(1);
  });
});

describe('the status of a request', () => {
  const counted = async (server: Started, labels: string): Promise<string> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return new RegExp(`request_seconds_count\\{${labels}\\} (\\d+)`).exec(text)?.[1] ?? 'none';
  };
  const upload = (more: string): string => `POST /uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}`;

  it('is 408 for an upload that stops', async () => {
    const server = await start({ timeouts: { headers: 200, request: 400 } });
    expect(await raw(server.url, upload('Content-Length: 99\r\n\r\nabc'))).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => counted(server, 'method="POST",route="/uploads",status="408"')).toBe('1');
    expect(await counted(server, 'method="POST",route="/uploads",status="200"')).toBe('none');
  });

  it('is 400 for an upload that is no HTTP on its way', async () => {
    const server = await start();
    const text = upload('Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n');
    expect(await raw(server.url, text)).toMatch(/^HTTP\/1\.1 400 /);
    await expect.poll(() => refusals(server)).toMatchObject([{ status: 400, path: '/uploads' }]);
    expect(await counted(server, 'method="POST",route="/uploads",status="400"')).toBe('1');
  });

  it('is 499 for an upload whose sender went away', async () => {
    const server = await start();
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write(upload('Content-Length: 99\r\nExpect: 100-continue\r\n\r\n'));
      });
      // Its head was read.
      socket.once('data', () => socket.destroy());
      socket.once('close', () => resolve());
    });
    await expect.poll(() => counted(server, 'method="POST",route="/uploads",status="499"')).toBe('1');
    expect(refusals(server)).toEqual([]);
  });

  it('is an error in the log, with its reason, when it is 5xx', async () => {
    const server = await start({ sessions: { mostOfOne: 1 } });
    const headers = await session(server.url);
    // A session that is in use makes no room.
    const stream = await fetch(`${server.url}/mcp`, { headers: { ...headers, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    expect((await post(server.url, initialize)).status).toBe(503);
    await expect
      .poll(() => server.lines.filter(({ level }) => level === 'error'))
      .toMatchObject([{ status: 503, path: '/mcp', error: expect.stringContaining('Too many sessions') }]);
  });
});

describe('a message that would keep the server busy', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const call = (args: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_models","arguments":${args}}}`;
  const keys = Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join(',');

  it.each([
    ['brackets by the thousand', nested(20_000), /nested more than 64 levels/],
    ['arguments nested by the thousand', call(`{"a":${nested(20_000)}}`), /nested more than 64 levels/],
    [
      'lists side by side by the million',
      call(`{"a":[${'[],'.repeat(1_000_000)}0]}`),
      /more than 50000 lists/,
    ],
    ['a million names', call(`{${keys}}`), /more than 50000 lists/],
  ])('is refused before it is parsed: %s', async (_what, body, why) => {
    const server = await start();
    const response = await post(server.url, body);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: -32600, message: expect.stringMatching(why) } },
    ]);
  });

  it('is not a long text, whatever is in it', async () => {
    const server = await start();
    const text = JSON.stringify(`${'[{"a":1},'.repeat(300_000)}\\`);
    const response = await post(server.url, call(`{"a":${text},"b":"\\\\"}`), await session(server.url));
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.not.stringContaining('The message'),
    ]);
  });
});

describe('the log', () => {
  it('has one line for each refusal: who, what, why, and no secret', async () => {
    const server = await start({}, 'ada');
    const { authorization } = as('ada');
    const bad: [number, () => Promise<Response>][] = [
      [401, () => post(server.url, PING)],
      [401, () => post(server.url, PING, { authorization: 'Bearer not-a-token-of-anybody' })],
      [415, () => post(server.url, PING, { authorization, 'content-type': 'text/plain' })],
      [400, () => post(server.url, '{', { authorization })],
      [400, () => post(server.url, PING, { authorization })],
      [404, () => post(server.url, PING, { authorization, 'mcp-session-id': 'nobodys' })],
      [404, () => fetch(`${server.url}/nothing?sig=secret-signature`)],
      [405, () => fetch(`${server.url}/mcp`, { headers: { authorization } })],
      [403, () => fetch(`${server.url}/mcp`, { headers: { origin: 'https://evil.example' } })],
    ];
    for (const [i, [status, call]] of bad.entries()) {
      const response = await call();
      expect(response.status).toBe(status);
      await response.text();
      await expect.poll(() => refusals(server)).toHaveLength(i + 1);
      expect(refusals(server)[i]).toMatchObject({ status, error: expect.any(String) });
    }
    expect(refusals(server)[2]).toMatchObject({ principal: 'ada' });
    for (const line of refusals(server)) expect(line).toMatchObject({ address: '127.0.0.1' });
    const all = JSON.stringify(server.lines);
    for (const secret of ['token-of-ada', 'not-a-token-of-anybody', 'secret-signature']) {
      expect(all).not.toContain(secret);
    }
  });

  const rpc = (method: string, params: object): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const protocol = ({ lines }: Started): unknown[] =>
    lines.filter(({ message }) => message === 'a protocol request was refused');
  const NO_JOB = 'meshwright://jobs/job_00000000000000000000000000';
  const REFUSED: [string, { [name: string]: string | object }, RegExp][] = [
    ['tools/call', { name: 'make_tea', arguments: {} }, /There is no tool make_tea/],
    ['resources/read', { uri: 'meshwright://tea' }, /There is no resource/],
    ['resources/read', { uri: NO_JOB }, /There is no job/],
    ['prompts/get', { name: 'tea' }, /There is no prompt tea/],
  ];

  it.each(REFUSED)('says who was refused what by the protocol: %s %j', async (method, params, error) => {
    const server = await start({}, 'ada');
    await (await post(server.url, rpc(method, params), await session(server.url, as('ada')))).text();
    const { name, uri } = params;
    const named = typeof name === 'string' ? { name } : { uri: typeof uri === 'string' ? uri : '' };
    await modern(server.url, method, { ...named }, { headers: as('ada') });
    const line = {
      level: 'info',
      principal: 'ada',
      request: expect.stringMatching(/^[0-9a-f]{8}$/),
      method,
      code: -32602,
      error: expect.stringMatching(error),
    };
    expect(protocol(server)).toMatchObject([line, line]);
  });

  it('says whose tool call was refused, in which request, and whose job begins', async () => {
    const server = await start({}, 'ada');
    const call = { name: 'get_job', arguments: { job_id: 'none' } };
    const headers = await session(server.url, as('ada'));
    await (await post(server.url, rpc('tools/call', call), headers)).text();
    for (let i = 0; i < 2; i++) await callTool(server.url, 'get_job', { job_id: 'none' }, { headers });
    const image_url = `data:image/png;base64,${(await ballPng(62)).toString('base64')}`;
    const args = { image_url, target_triangles: 500, wait_seconds: 0 };
    const { job_id: job } = await callTool(server.url, 'local_image_to_3d', args, { headers: as('ada') });
    const who = { principal: 'ada', request: expect.stringMatching(/^[0-9a-f]{8}$/) };
    const told = (text: string): unknown[] => server.lines.filter(({ message }) => message === text);
    expect(told('a tool call was refused')).toMatchObject([who, who, who]);
    expect(told('a job begins')).toMatchObject([{ ...who, job }]);
  });

  it('has the reason of what the protocol library refuses, and of a range that is not there', async () => {
    const server = await start();
    const headers = await session(server.url);
    const picture = new Uint8Array(await ballPng(63));
    const sent: unknown = await (
      await fetch(`${server.url}/uploads`, { method: 'POST', body: picture })
    ).json();
    const file = isRecord(sent) ? String(sent['url']) : '';
    const accept = 'text/html';
    const bad: [number, RegExp, () => Promise<Response>][] = [
      [406, /must accept/, () => post(server.url, PING, { ...headers, accept })],
      [406, /must accept/, () => post(server.url, initialize, { accept })],
      [400, /1999/, () => post(server.url, PING, { ...headers, 'mcp-protocol-version': '1999-01-01' })],
      [416, /bytes/, () => fetch(file, { headers: { range: 'bytes=99999999-' } })],
    ];
    for (const [i, [status, why, call]] of bad.entries()) {
      const response = await call();
      await response.text();
      await expect.poll(() => refusals(server)).toHaveLength(i + 1);
      expect(refusals(server)[i]).toMatchObject({ status, error: expect.stringMatching(why) });
    }
    const mismatch = { 'mcp-method': 'tools/list' };
    await modern(server.url, 'tools/call', { name: 'get_job', arguments: {} }, { headers: mismatch });
    await expect.poll(() => refusals(server)).toHaveLength(bad.length + 1);
    expect(refusals(server).at(-1)).toMatchObject({ status: 400, error: expect.stringMatching(/disagree/) });
  });

  it('has one line for an upload that is too long, also when its sender hangs up', async () => {
    const server = await start();
    const head = 'POST /uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 22020096\r\n\r\nabc';
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(head));
      socket.once('data', () => setTimeout(() => socket.end(), 50));
      socket.once('close', () => resolve());
    });
    await expect.poll(() => refusals(server)).toMatchObject([{ status: 413 }]);
    expect((await modern(server.url, 'tools/list')).status).toBe(200);
    expect(refusals(server)).toHaveLength(1);
  });
});

describe('a request that is sent to the wrong place', () => {
  const upload = (server: Started, at: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    fetch(`${server.url}${at}`, { method: 'POST', body });

  it.each(['GET', 'DELETE', 'PUT', 'PATCH'])('is told by what way /mcp is asked: %s', async (method) => {
    const server = await start();
    const without = await fetch(`${server.url}/mcp`, { method });
    expect([without.status, without.headers.get('allow')]).toEqual([405, 'POST']);
    if (method === 'GET' || method === 'DELETE') return;
    const within = await fetch(`${server.url}/mcp`, { method, headers: await session(server.url) });
    expect([within.status, within.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
  });

  it('is told where files are sent, and where the protocol is spoken', async () => {
    const server = await start();
    for (const at of ['/uploads/', '/uploads/mug.png']) {
      const response = await upload(server, at, 'x');
      expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('to /uploads')]);
    }
    expect(await (await upload(server, '/upload', 'x')).text()).toContain('endpoint is /mcp');
  });

  it('is told how to send a file that has lost its line breaks on the way, and no other', async () => {
    const server = await start();
    const picture = await ballPng(64);
    const mangled = picture.filter((byte) => ![0, 10, 13].includes(byte));
    const way = 'curl --data-binary @FILE';
    for (const body of [new Uint8Array(mangled), 'mug.png', new Uint8Array(picture.subarray(0, 900))]) {
      const response = await upload(server, '/uploads', body);
      expect([response.status, await response.text()]).toEqual([422, expect.stringContaining(way)]);
    }
    const document = await upload(server, '/uploads', '%PDF-1.7');
    expect([document.status, await document.text()]).toEqual([422, expect.not.stringContaining(way)]);
  });
});

describe('sessions', () => {
  it('make room for new ones, the longest idle first, and never by taking somebody else’s', async () => {
    const server = await start({ sessions: { mostOfOne: 2 } }, 'ada', 'bob');
    const bobs = await session(server.url, as('bob'));
    const first = await session(server.url, as('ada'));
    const second = await session(server.url, as('ada'));
    expect((await post(server.url, PING, first)).status).toBe(200);
    const third = await session(server.url, as('ada'));
    const status = async (headers: Record<string, string>): Promise<number> => {
      const response = await post(server.url, PING, headers);
      await response.text();
      return response.status;
    };
    expect(await Promise.all([first, second, third, bobs].map(status))).toEqual([200, 404, 200, 200]);
    // Hers is not there for him, and his not for her.
    expect(await status({ ...first, ...as('bob') })).toBe(404);
    expect(await status({ ...bobs, ...as('ada') })).toBe(404);
  });

  it('end when nobody uses them', async () => {
    const server = await start({ sessions: { idleMs: 100 } });
    const headers = await session(server.url);
    await expect
      .poll(async () => (await post(server.url, PING, headers)).status, { interval: 300 })
      .toBe(404);
  });
});

describe('who is taken out of the token file', () => {
  it('is cut off from what was open', async () => {
    const server = await start({}, 'eve', 'ada');
    const listening = await post(
      server.url,
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { resourceSubscriptions: ['meshwright://jobs/job_00000000000000000000000000'] },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': REVISION,
            'io.modelcontextprotocol/clientInfo': { name: 'eve', version: '0' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
      { ...as('eve'), 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' },
    );
    expect(listening.status).toBe(200);
    const headers = await session(server.url, as('eve'));
    const stream = await fetch(`${server.url}/mcp`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    expect(stream.status).toBe(200);
    await writeFile(path.join(server.folder, 'tokens.json'), tokenFile('ada'));
    const status = async (name: string): Promise<number> =>
      (await modern(server.url, 'tools/list', {}, { headers: as(name) })).status;
    await expect.poll(() => status('eve'), { timeout: 10_000 }).toBe(401);
    // Both streams end by themselves, or these would wait for ever.
    expect(await listening.text()).toContain('subscriptions/acknowledged');
    await stream.text();
    expect(await status('ada')).toBe(200);
  });

  it('has no use of the links that it was given; the others’ go on', async () => {
    const server = await start({}, 'eve', 'ada');
    const picture = new Uint8Array(await ballPng(61));
    const send = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(url, { method: 'POST', body: picture, headers });
    const uploadLink = async (name: string): Promise<string> => {
      const { upload_url: url } = await callTool(server.url, 'upload_image', {}, { headers: as(name) });
      return typeof url === 'string' ? url : '';
    };
    const fileLink = async (name: string): Promise<string> => {
      const body: unknown = await (await send(`${server.url}/uploads`, as(name))).json();
      return isRecord(body) ? String(body['url']) : '';
    };
    const [eves, adas] = [await uploadLink('eve'), await uploadLink('ada')];
    const [evesFile, adasFile] = [await fileLink('eve'), await fileLink('ada')];
    expect((await fetch(evesFile)).status).toBe(200);
    await writeFile(path.join(server.folder, 'tokens.json'), tokenFile('ada'));
    await expect.poll(async () => (await fetch(evesFile)).status, { timeout: 10_000 }).toBe(403);
    const refused = await send(eves);
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('may not use this server any more'),
    ]);
    expect([(await send(adas)).status, (await fetch(adasFile)).status]).toEqual([201, 200]);
  });
});
