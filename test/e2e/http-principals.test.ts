import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, isRecord, type JsonObject } from '../../src/json.js';
import { CLI, connectHttp, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';
import { callTool, modern } from '../support/modern.js';

const run = promisify(execFile);

let folder: string;
let tokens: string;
let env: Record<string, string>;
let server: HttpProcess;
let ada: string;
let bob: string;

const token = async (...args: string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, [CLI, 'token', ...args], { env });
  return stdout.trim();
};

beforeAll(async () => {
  folder = await temporaryFolder();
  tokens = path.join(folder, 'tokens.json');
  env = serverEnv(path.join(folder, 'data'), { MESHWRIGHT_TOKENS: tokens, FAL_KEY: 'of:the-server' });
  ada = await token('add', 'ada');
  bob = await token('add', 'bob', '--max-usd-per-job', '0.25', '--max-usd-per-day', '3');
  server = await startHttpProcess(env);
});
afterAll(async () => {
  await server.stop();
  await removeFolder(folder);
});

describe('a token', () => {
  it('is shown once; the file has its hash, for its owner only', async () => {
    expect(ada).toMatch(/^mw_[\w-]{43}$/);
    const text = await readFile(tokens, 'utf8');
    expect(text).not.toContain(ada);
    expect((await stat(tokens)).mode & 0o077).toBe(0);
    const listed: unknown = JSON.parse(await token('list', '--json'));
    expect(listed).toMatchObject({
      principals: [
        { name: 'ada', max_usd_per_job: null },
        { name: 'bob', max_usd_per_job: 0.25, max_usd_per_day: 3 },
      ],
    });
    await expect(token('add', 'ada')).rejects.toThrow(/already/);
    await expect(token('add', 'local')).rejects.toThrow(/local/);
    await expect(token('remove', 'nobody')).rejects.toThrow(/no principal/);
  });

  it.each([
    ['no token', undefined],
    ['another word', 'Basic YTpi'],
    ['an unknown token', `Bearer mw_${'A'.repeat(43)}`],
    ['an empty one', 'Bearer '],
    ['the hash of one', 'hash'],
  ])('is asked for: %s gets 401 and a challenge', async (_what, given) => {
    const hash = JSON.parse(await readFile(tokens, 'utf8')).principals[0].token_sha256;
    const authorization = given === 'hash' ? `Bearer ${hash}` : given;
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const { status, headers: told, text } = await modern(server.origin, 'tools/list', {}, { headers });
    expect(status).toBe(401);
    expect(told.get('www-authenticate')).toMatch(/^Bearer realm="meshwright"/);
    expect(text).toContain('Authorization: Bearer');
    expect(text).not.toContain(hash);
  });

  it('lets in, in every spelling of "Bearer"', async () => {
    for (const word of ['Bearer', 'bearer', 'BEARER']) {
      const headers = { authorization: `${word} ${ada}` };
      expect((await modern(server.origin, 'tools/list', {}, { headers })).status).toBe(200);
    }
    const client = await connectHttp('v1', `${server.origin}/mcp`, { authorization: `Bearer ${bob}` });
    const names = (await client.listTools()).map(({ name }) => name);
    await client.close();
    expect(names).toContain('pixal3d');
    // Nobody opened a folder of the server's machine.
    expect(names).not.toContain('save_asset');
  });

  it('reads the figures of all only when it was made for that', async () => {
    const read = (who: string): Promise<Response> =>
      fetch(`${server.origin}/metrics`, { headers: { authorization: `Bearer ${who}` } });
    expect((await fetch(`${server.origin}/metrics`)).status).toBe(401);
    expect((await read(ada)).status).toBe(403);
    const watcher = await token('add', 'watcher', '--metrics');
    await expect.poll(async () => (await read(watcher)).status, { timeout: 10_000 }).toBe(200);
    expect(await (await read(watcher)).text()).not.toMatch(/ada|bob/);
  });

  it('works as soon as it is made, and no more once it is taken away; a broken file changes nothing', async () => {
    const eve = await token('add', 'eve');
    const status = async (who: string): Promise<number> =>
      (await modern(server.origin, 'tools/list', {}, { token: who })).status;
    await expect.poll(() => status(eve), { timeout: 10_000 }).toBe(200);
    const good = await readFile(tokens, 'utf8');
    await writeFile(tokens, '{"principals": [');
    await expect
      .poll(() => status(ada).then(() => server.log.join('\n')), { timeout: 10_000 })
      .toContain('the last good one stays in force');
    expect([await status(ada), await status(eve)]).toEqual([200, 200]);
    await writeFile(tokens, good);
    await token('remove', 'eve');
    await expect.poll(() => status(eve), { timeout: 10_000 }).toBe(401);
    expect(await status(ada)).toBe(200);
  });

  it.each([
    ['not JSON', '{', /no JSON/],
    ['a token in plain text', '{"principals":[{"name":"a","token":"x"}]}', /token/],
    ['a wrong hash', '{"principals":[{"name":"a","token_sha256":"abc"}]}', /64 hex digits/],
    ['two of one name', twice('a', 'a', 1), /two principals are called a/],
    ['two of one token', twice('a', 'b', 0), /same token/],
    ['half a key', withKeys({ SCENARIO_SDK_API_KEY: 'x' }), /both SCENARIO/],
    ['an unknown key', withKeys({ OTHER: 'x' }), /OTHER|nrecognized/],
  ])('file with %s stops the start with a sentence', async (_what, content, why) => {
    const file = path.join(folder, 'bad.json');
    await writeFile(file, content);
    const bad = serverEnv(path.join(folder, 'bad'), { MESHWRIGHT_TOKENS: file });
    await expect(startHttpProcess(bad)).rejects.toThrow(why);
  });
});

function twice(first: string, second: string, differs: number): string {
  const entry = (name: string, digit: number): object => ({ name, token_sha256: String(digit).repeat(64) });
  return JSON.stringify({ principals: [entry(first, 0), entry(second, differs)] });
}

function withKeys(keys: object): string {
  return JSON.stringify({ principals: [{ name: 'a', token_sha256: '0'.repeat(64), keys }] });
}

describe('what is mine', () => {
  let job: JsonObject;
  let asset: JsonObject;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');

  beforeAll(async () => {
    job = await callTool(
      server.origin,
      'local_image_to_3d',
      { image_url: dataUri(await ballPng(21)), target_triangles: 2000 },
      { token: ada },
    );
    const assets = job['assets'];
    asset = Array.isArray(assets) && isJsonObject(assets[0]) ? assets[0] : {};
  });

  it('has a link that opens without a token, for a while, and cannot be bent', async () => {
    const link = new URL(text(asset['url']));
    const whole = await fetch(link);
    expect(whole.status).toBe(200);
    expect(Number(whole.headers.get('content-length'))).toBe(asset['size_bytes']);
    const part = await fetch(link, { headers: { range: 'bytes=0-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'glTF']);
    const bare = link.origin + link.pathname;
    expect((await fetch(bare)).status).toBe(401);
    expect((await fetch(bare, { headers: { authorization: `Bearer ${ada}` } })).status).toBe(200);
    expect((await fetch(bare, { headers: { authorization: `Bearer ${bob}` } })).status).toBe(404);
    for (const change of [
      (url: URL) => url.searchParams.set('exp', String(Number(url.searchParams.get('exp')) + 1)),
      (url: URL) => url.searchParams.delete('sig'),
      (url: URL) => url.searchParams.set('sig', 'A'.repeat(43)),
      (url: URL) => void (url.pathname = url.pathname.replace('.glb', '.html')),
    ]) {
      const bent = new URL(link);
      change(bent);
      const headers = { authorization: `Bearer ${bob}` };
      expect((await fetch(bent, { headers })).status).toBe(403);
    }
  });

  it('has links that end', async () => {
    const short = await startHttpProcess({ ...env, MESHWRIGHT_LINK_SECONDS: '1' });
    const { assets } = await callTool(
      short.origin,
      'get_job',
      { job_id: job['job_id'] ?? '' },
      { token: ada },
    );
    const first: unknown = Array.isArray(assets) ? assets[0] : undefined;
    const link = isRecord(first) ? text(first['url']) : '';
    await expect.poll(async () => (await fetch(link)).status, { timeout: 10_000 }).toBe(403);
    expect(await (await fetch(link)).text()).toMatch(/ended.*get_job/);
    await short.stop();
  });

  it('is made anew for another principal by the same call', async () => {
    const args = { image_url: dataUri(await ballPng(21)), target_triangles: 2000 };
    const mine = await callTool(server.origin, 'local_image_to_3d', args, { token: ada });
    const his = await callTool(server.origin, 'local_image_to_3d', args, { token: bob });
    expect(mine).toMatchObject({ deduplicated: true, job_id: job['job_id'] });
    expect(his['deduplicated']).toBeUndefined();
    expect(his['job_id']).not.toBe(job['job_id']);
  });

  it('is what I may spend', async () => {
    const { message } = await modern(
      server.origin,
      'tools/call',
      { name: 'pixal3d', arguments: { image_url: 'https://example.com/a.png', wait_seconds: 0 } },
      { token: bob },
    );
    expect(JSON.stringify(message)).toMatch(/0\.25/);
    expect(JSON.stringify(message)).toContain('Nothing was sent');
  });
});
