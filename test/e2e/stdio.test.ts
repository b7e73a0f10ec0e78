import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { CLI, connect, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/** What a client on the other side of the pipe sees, line by line. */

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

function start(env: Record<string, string> = {}): {
  send: (message: object) => void;
  write: (text: string) => void;
  answer: (id: number) => Promise<Record<string, unknown>>;
  lines: string[];
  exit: Promise<number | null>;
  end: () => void;
  stderr: () => string;
  closeStderr: () => void;
} {
  const child = spawn(process.execPath, [CLI], {
    env: serverEnv(path.join(folder, 'data'), env),
    stdio: 'pipe',
  });
  const lines: string[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    send: (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    write: (text) => child.stdin.write(text),
    answer: async (id) => {
      const found = (): Record<string, unknown> | undefined =>
        lines
          .map((line): unknown => JSON.parse(line))
          .find((item): item is Record<string, unknown> => isRecord(item) && item['id'] === id);
      await expect.poll(found, { timeout: 50_000 }).toBeDefined();
      return found() ?? {};
    },
    lines,
    exit,
    end: () => child.stdin.end(),
    stderr: () => errors,
    closeStderr: () => void child.stderr.destroy(),
  };
}

const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

describe('a line on stdin', () => {
  it('that is too long gets an error, and everything else goes on', async () => {
    const server = start();
    server.send(INITIALIZE);
    await server.answer(1);
    const huge = 'A'.repeat(11 * 1024 * 1024);
    server.send({
      method: 'tools/call',
      params: { name: 'local_image_to_3d', arguments: { image_url: huge } },
      id: 7,
    });
    expect(await server.answer(7)).toMatchObject({
      error: { message: expect.stringMatching(/at most 10 MiB.*path/) },
    });
    server.send({ id: 8, method: 'tools/list', params: {} });
    expect(await server.answer(8)).toHaveProperty('result.tools');
    server.end();
    expect(await server.exit).toBe(0);
  });

  it('that is no JSON is passed over', async () => {
    const server = start();
    server.write('hello\n\n{"jsonrpc":"2.0"}\n[1,2\n');
    server.send(INITIALIZE);
    expect(await server.answer(1)).toHaveProperty('result.serverInfo.name', 'meshwright');
    server.end();
    expect(await server.exit).toBe(0);
  });
});

describe('the server', () => {
  it('prints nothing but protocol on stdout, also while it generates and inspects', async () => {
    const server = start({ MESHWRIGHT_LOG: 'debug' });
    server.send(INITIALIZE);
    server.send({
      id: 2,
      method: 'tools/call',
      params: { name: 'local_image_to_3d', arguments: { image_url: dataUri(await ballPng(1)) } },
    });
    const answer = await server.answer(2);
    const assetId = /asset_[0-9a-z]{26}/.exec(JSON.stringify(answer))?.[0];
    server.send({
      id: 3,
      method: 'tools/call',
      params: { name: 'view_asset', arguments: { asset_id: assetId } },
    });
    await server.answer(3);
    for (const line of server.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    for (const line of server.stderr().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
    server.end();
    expect(await server.exit).toBe(0);
  });

  it('lives on when nobody reads its stderr any more', async () => {
    const server = start({ MESHWRIGHT_LOG: 'debug' });
    server.send(INITIALIZE);
    await server.answer(1);
    server.closeStderr();
    for (let id = 2; id < 6; id++) {
      // Every refusal is logged.
      server.send({ id, method: 'tools/call', params: { name: 'get_job', arguments: { job_id: 'none' } } });
      expect(await server.answer(id)).toHaveProperty('result.isError', true);
    }
    server.end();
    expect(await server.exit).toBe(0);
  });

  it('leaves at once when its client leaves, and takes the job up at the next start', async () => {
    const client = await connect('v1', serverEnv(path.join(folder, 'data')));
    const started = await client.call('local_image_to_3d', {
      image_url: dataUri(await ballPng(2)),
      wait_seconds: 0,
    });
    const jobId = started.structured?.['job_id'];
    await client.close();
    const next = await connect('v1', serverEnv(path.join(folder, 'data')));
    const done = await next.call('wait_for_job', { job_id: jobId, wait_seconds: 50 });
    expect(done.structured).toMatchObject({ status: 'succeeded' });
    await next.close();
  });

  it('serves two processes on one data folder without doing work twice', async () => {
    const env = serverEnv(path.join(folder, 'data'));
    const [one, two] = await Promise.all([connect('v1', env), connect('v2 modern', env)]);
    const image = dataUri(await ballPng(3));
    const calls = await Promise.all([
      one.call('local_image_to_3d', { image_url: image }),
      two.call('local_image_to_3d', { image_url: image }),
    ]);
    expect(new Set(calls.map(({ structured }) => structured?.['job_id'])).size).toBe(1);
    const assets = (await one.call('list_assets', {})).structured?.['assets'];
    expect(assets).toHaveLength(1);
    await Promise.all([one.close(), two.close()]);
  });

  it('stops the start with one sentence when a setting is wrong', async () => {
    const server = start({ MESHWRIGHT_WAIT_SECONDS: 'soon' });
    expect(await server.exit).toBe(2);
    expect(server.stderr()).toMatch(/^meshwright: MESHWRIGHT_WAIT_SECONDS must be a number/);
    expect(server.lines).toEqual([]);
  });

  it('answers tools/list although its data folder cannot be used, and says what is wrong when it is needed', async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'data'), 'a file where the folder should be');
    const client = await connect('v1', serverEnv(path.join(folder, 'data')));
    expect((await client.listTools()).length).toBeGreaterThan(5);
    const result = await client.call('list_jobs', {});
    expect(result.isError).toBe(true);
    expect(result.text).toMatch(/data folder/i);
    await client.close();
  });
});
