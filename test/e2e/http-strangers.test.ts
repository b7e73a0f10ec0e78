import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isJsonObject, type JsonObject } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { CLI, connectHttp, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';
import { callTool, modern } from '../support/modern.js';

/** Bob knows every id, address and session of Ada's, and gets at nothing: each way in, in each disguise. */

const run = promisify(execFile);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

let folder: string;
let fal: FalEmulator;
let server: HttpProcess;
let ada: string;
let bob: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 200 });
  const env = serverEnv(path.join(folder, 'data'), {
    MESHWRIGHT_TOKENS: path.join(folder, 'tokens.json'),
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
  });
  const token = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [CLI, 'token', 'add', ...args], { env })).stdout.trim();
  ada = await token('ada', '--max-usd-per-day', '1');
  bob = await token('bob', '--max-usd-per-job', '0.01');
  server = await startHttpProcess(env);
});
afterAll(async () => {
  await server.stop();
  await fal.close();
  await removeFolder(folder);
});

interface Asked {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  target?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Told {
  status: number;
  words: string;
}

/** What comes at once; of a stream that stays open its first quarter of a second. */
async function send(
  token: string,
  { method = 'POST', target = '/mcp', headers, body }: Asked,
): Promise<Told> {
  const over = new AbortController();
  const response = await fetch(`${server.origin}${target}`, {
    method,
    signal: over.signal,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const isOpenEnded = method === 'GET' && target === '/mcp' && response.status === 200;
  const timer = isOpenEnded ? setTimeout(() => over.abort(), 250) : undefined;
  let words = [...response.headers].join('\n');
  try {
    for await (const chunk of response.body ?? []) words += Buffer.from(chunk).toString('latin1');
  } catch (error) {
    if (!over.signal.aborted) throw error;
  }
  clearTimeout(timer);
  return { status: response.status, words };
}

const rpc = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** A session of 2025-11-25, and the first event of an answer in it. */
async function openSession(token: string): Promise<Record<string, string>> {
  const opened = await fetch(`${server.origin}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: rpc('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'meshwright-tests', version: '0' },
    }),
  });
  await opened.text();
  return {
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-11-25',
  };
}

const hers: Record<
  | 'job'
  | 'running'
  | 'asset'
  | 'picture'
  | 'sha256'
  | 'sha256OfPicture'
  | 'link'
  | 'uploadLink'
  | 'event'
  | 'cursor',
  string
> = {
  job: '',
  running: '',
  asset: '',
  picture: '',
  sha256: '',
  sha256OfPicture: '',
  link: '',
  uploadLink: '',
  event: '',
  cursor: '',
};
let session: Record<string, string>;
let spent: unknown;

beforeAll(async () => {
  const asAda = (name: string, args: JsonObject = {}): Promise<JsonObject> =>
    callTool(server.origin, name, args, { token: ada });
  const done = await asAda('local_image_to_3d', {
    image_url: dataUri(await ballPng(95)),
    target_triangles: 1000,
  });
  const [asset] = Array.isArray(done['assets']) ? done['assets'].filter(isJsonObject) : [];
  fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 600_000 } });
  const running = await asAda('triposr', {
    image_url: 'https://example.com/secret-mug.png',
    wait_seconds: 0,
  });
  await vi.waitFor(() => expect(fal.ledger.accepted).toBe(1), { timeout: 30_000 });
  const upload = await asAda('upload_image');
  const sent = await fetch(text(upload['upload_url']), {
    method: 'POST',
    body: new Uint8Array(await ballPng(96)),
  });
  const picture: unknown = await sent.json();
  const another = await asAda('upload_image');
  Object.assign(hers, {
    job: done['job_id'],
    running: running['job_id'],
    asset: asset?.['asset_id'],
    sha256: asset?.['sha256'],
    link: asset?.['url'],
    picture: upload['asset_id'],
    sha256OfPicture: isJsonObject(picture) ? picture['sha256'] : '',
    uploadLink: another['upload_url'],
    cursor: (await asAda('list_jobs', { limit: 1 }))['next_cursor'],
  });
  session = await openSession(ada);
  const answered = await send(ada, {
    headers: session,
    body: rpc('tools/call', { name: 'get_job', arguments: { job_id: hers.job } }),
  });
  hers.event = /^id: (.*)$/m.exec(answered.words)?.[1] ?? '';
  for (const [name, value] of Object.entries(hers)) expect(value, name).toMatch(/./);
  spent = (await asAda('list_jobs'))['costs'];
  expect(spent).toMatchObject({ spent_today_usd: 0.07, max_usd_per_day: 1 });
});

const DISGUISES: Record<string, () => Asked> = {
  'as himself': () => ({}),
  'in her session': () => ({ headers: { 'mcp-session-id': session['mcp-session-id'] ?? '' } }),
  'under her name': () => ({
    headers: {
      'x-forwarded-user': 'ada',
      'x-principal': 'ada',
      cookie: 'principal=ada',
      forwarded: 'for=ada',
    },
  }),
  'after her last event': () => ({ headers: { 'last-event-id': hers.event } }),
};

/** Ids as they are and bent, so that a check and a look-up might read them differently. */
const BENDS: Record<string, (id: string) => string> = {
  'as it is': (id) => id,
  'with a dot segment': (id) => `x/../${id}`,
  escaped: (id) => id.replace('_', '%5f'),
  'with a null': (id) => `${id}%00`,
};

type Call = [method: string, params: JsonObject];
const tool = (name: string, args: JsonObject = {}): Call => ['tools/call', { name, arguments: args }];
const read = (uri: string): Call => ['resources/read', { uri }];

const aboutIds = (bend: (id: string) => string): Call[] => {
  const [job, running, asset, picture] = [hers.job, hers.running, hers.asset, hers.picture].map(bend);
  return [
    tool('get_job', { job_id: job ?? '' }),
    tool('wait_for_job', { job_id: running ?? '', wait_seconds: 0 }),
    tool('cancel_job', { job_id: running ?? '' }),
    tool('list_assets', { job_id: job ?? '' }),
    tool('inspect_asset', { asset_id: asset ?? '' }),
    tool('view_asset', { asset_id: `meshwright://assets/${asset}` }),
    tool('delete_asset', { asset_id: asset ?? '' }),
    tool('delete_asset', { asset_id: `meshwright://assets/${picture}` }),
    tool('local_image_to_3d', { image_url: `meshwright://assets/${picture}`, wait_seconds: 0 }),
    read(`meshwright://jobs/${job}`),
    read(`meshwright://jobs/${running}`),
    read(`meshwright://assets/${asset}`),
    read(`meshwright://assets/${picture}`),
    read(`meshwright://assets/${asset}/info`),
    read(`meshwright://assets/${asset}/parts/0`),
    ['tasks/get', { taskId: running ?? '' }],
    ['tasks/cancel', { taskId: running ?? '' }],
    ['tasks/update', { taskId: running ?? '', inputResponses: {} }],
  ];
};

const general = (): Call[] => [
  tool('list_jobs', { limit: 100 }),
  tool('list_jobs', { status: 'succeeded', cursor: hers.cursor }),
  tool('list_assets', { limit: 100 }),
  // What she bought: a window that is shared would answer with her job instead of his own cap.
  tool('triposr', { image_url: 'https://example.com/secret-mug.png', wait_seconds: 0 }),
  ['resources/list', {}],
  ...(['job_id', 'asset_id'] as const).map((name): Call => [
    'completion/complete',
    {
      ref: { type: 'ref/resource', uri: `meshwright://${name === 'job_id' ? 'jobs' : 'assets'}/{${name}}` },
      argument: { name, value: name === 'job_id' ? hers.job.slice(0, 8) : hers.asset.slice(0, 10) },
    },
  ]),
];

/** What can be asked of a session of hers, of files and of other doors. */
const doors = (): Asked[] => {
  const link = new URL(hers.link);
  const upload = new URL(hers.uploadLink);
  const bobs = Buffer.from('bob').toString('base64url');
  const inHers = (body: string): Asked => ({ headers: session, body });
  return [
    inHers(rpc('ping')),
    inHers(rpc('tools/list')),
    inHers(rpc('tools/call', { name: 'get_job', arguments: { job_id: hers.job } })),
    inHers(rpc('resources/subscribe', { uri: `meshwright://jobs/${hers.running}` })),
    inHers(rpc('tasks/list')),
    inHers(rpc('tasks/result', { taskId: hers.job })),
    inHers(`[${rpc('ping')},${rpc('tasks/list')}]`),
    { method: 'GET', headers: session },
    { method: 'GET', headers: { ...session, 'last-event-id': hers.event } },
    { method: 'DELETE', headers: session },
    { method: 'GET', target: link.pathname },
    { method: 'HEAD', target: link.pathname },
    { method: 'GET', target: link.pathname, headers: { range: 'bytes=0-99' } },
    { method: 'GET', target: link.pathname, headers: { 'if-none-match': `"${hers.sha256}"` } },
    { method: 'GET', target: `${link.pathname}?exp=99999999999&sig=${'A'.repeat(43)}` },
    { method: 'GET', target: `/assets/${hers.picture}/a.png${link.search}` },
    { method: 'GET', target: `/assets/${hers.picture}/a.png${upload.search}` },
    { method: 'GET', target: `${link.pathname}/../../${hers.picture}/a.png` },
    { method: 'PUT', target: upload.pathname, body: 'x' },
    { method: 'POST', target: `/uploads/${hers.picture}/${bobs}${upload.search}`, body: 'x' },
    { method: 'POST', target: `/uploads/${hers.asset}/${bobs}${link.search}`, body: 'x' },
    { method: 'POST', target: `/webhooks/fal/${hers.running}.${'A'.repeat(43)}`, body: '{}' },
    { method: 'GET', target: '/metrics' },
  ];
};

describe('what is Ada’s', () => {
  let attempts = 0;

  /** Ids that he named may be said back to him; what only she knows may not, nor that there is anything. */
  function expectNothingTold({ status, words }: Told, named: string): void {
    attempts++;
    const what = `${named.slice(0, 300)} was answered with ${String(status)}: ${words.slice(0, 300).replace(/[^ -~]/g, '?')}`;
    // Turned away because of his haste he would have tried nothing.
    expect(status, what).not.toBe(429);
    expect(status, what).toBeLessThan(500);
    const known = [hers.sha256, hers.sha256OfPicture, 'secret-mug', ...Object.values(session).slice(0, 1)];
    const signatures = [hers.link, hers.uploadLink].map((url) => new URL(url).searchParams.get('sig') ?? '');
    for (const secret of [...known, ...signatures, hers.job, hers.running, hers.asset, hers.picture]) {
      if (!named.includes(secret)) expect(words.includes(secret), what).toBe(false);
    }
    const tells =
      /"status":"(succeeded|running|queued|working|completed)"|"spent_today_usd":0?\.0[1-9]|glTF|Z2xURg|iVBOR/;
    expect(tells.exec(words)?.[0], what).toBeUndefined();
  }

  it.each(Object.keys(DISGUISES))('is not reached by Bob %s', async (name) => {
    const disguise = DISGUISES[name]?.() ?? {};
    const calls = [...Object.values(BENDS).flatMap(aboutIds), ...general()];
    for (const [i, [method, params]] of calls.entries()) {
      const capabilities = i % 2 === 0 ? { extensions: { 'io.modelcontextprotocol/tasks': {} } } : {};
      const named = `${method} ${JSON.stringify(params)}`;
      const { status, text: words } = await modern(server.origin, method, params, {
        token: bob,
        capabilities,
        ...(disguise.headers ? { headers: disguise.headers } : {}),
      });
      expectNothingTold({ status, words }, `${named} ${JSON.stringify(disguise)}`);
    }
    for (const asked of doors()) {
      const told = await send(bob, { ...asked, headers: { ...disguise.headers, ...asked.headers } });
      expectNothingTold(told, JSON.stringify({ ...asked, ...disguise }));
      expect([400, 401, 403, 404, 405], JSON.stringify(asked)).toContain(told.status);
    }
    expect(attempts).toBeGreaterThan(90);
  });

  it('is not replayed to a session of his own', async () => {
    const own = await openSession(bob);
    for (const event of [hers.event, hers.event.replace(/^\d+/, '0'), hers.event.replace(/^\d+_/, '1_')]) {
      const told = await send(bob, { method: 'GET', headers: { ...own, 'last-event-id': event } });
      expectNothingTold(told, `${event} ${JSON.stringify(own)}`);
    }
  });

  it('is not told to him when it changes, however he listens', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 1_500 } });
    const args = { image_url: 'https://example.com/other-mug.png', wait_seconds: 0 };
    const started = await callTool(server.origin, 'triposr', args, { token: ada });
    const uri = `meshwright://jobs/${text(started['job_id'])}`;
    const heard: Record<string, string[]> = {};
    const clients = await Promise.all(
      (['v1', 'v2 modern'] as const).flatMap((kind) =>
        [ada, bob].map(async (token) => {
          const client = await connectHttp(kind, `${server.origin}/mcp`, {
            authorization: `Bearer ${token}`,
          });
          const list = (heard[`${token === ada ? 'ada' : 'bob'} ${kind}`] = Array<string>());
          await client.subscribe(uri, (updated) => list.push(updated)).catch(() => undefined);
          return client;
        }),
      ),
    );
    await callTool(
      server.origin,
      'wait_for_job',
      { job_id: started['job_id'] ?? '', wait_seconds: 30 },
      { token: ada },
    );
    await expect.poll(() => [heard['ada v1']?.length, heard['ada v2 modern']?.length]).not.toContain(0);
    // What was sent to him before would have come before these answers.
    for (const client of clients) await client.listTools();
    expect([heard['bob v1'], heard['bob v2 modern']]).toEqual([[], []]);
    for (const client of clients) await client.close();
  });

  it('is still hers after all that: 200 attempts and more', async () => {
    expect(attempts).toBeGreaterThan(200);
    const asAda = (name: string, args: JsonObject = {}): Promise<JsonObject> =>
      callTool(server.origin, name, args, { token: ada });
    expect(await asAda('get_job', { job_id: hers.job })).toMatchObject({
      assets: [{ asset_id: hers.asset }],
    });
    expect((await asAda('get_job', { job_id: hers.running }))['status']).toMatch(/queued|running/);
    expect(fal.journal.entries({ op: 'cancel' })).toEqual([]);
    expect(fal.ledger.accepted).toBe(2);
    expect((await asAda('list_jobs'))['costs']).toMatchObject({ spent_today_usd: 0.14, max_usd_per_day: 1 });
    const pictures = await asAda('list_assets', { limit: 100 });
    expect(JSON.stringify(pictures)).toContain(hers.picture);
    expect((await fetch(hers.link, { method: 'HEAD' })).status).toBe(200);
    const ping = await send(ada, { headers: session, body: rpc('ping') });
    expect(ping).toMatchObject({ status: 200, words: expect.stringContaining('"result"') });
    const image = new Uint8Array(await ballPng(97));
    expect((await fetch(hers.uploadLink, { method: 'POST', body: image })).status).toBe(201);
    const bobs = await callTool(server.origin, 'list_jobs', {}, { token: bob });
    expect(bobs['jobs']).toEqual([]);
  });
});
