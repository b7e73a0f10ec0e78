import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { run } from './support.js';

const report = z.strictObject({
  healthy: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(['ok', 'warn', 'fail']),
      message: z.string(),
      fix: z.string().optional(),
    }),
  ),
});
type Report = z.infer<typeof report>;

async function diagnose(
  data: string,
  env: Record<string, string> = {},
): Promise<Report & { code: number | null }> {
  const { code, stdout } = await run(data, ['doctor', '--json'], { env });
  return { code, ...report.parse(JSON.parse(stdout)) };
}

const find = ({ checks }: Report, name: string): Report['checks'][number] | undefined =>
  checks.find((check) => check.name === name);

let folder: string;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => removeFolder(folder));

describe('doctor', () => {
  it('finds a fresh installation well, makes a test model, and leaves no trace', async () => {
    const data = path.join(folder, 'fresh', 'data');
    const found = await diagnose(data);
    expect(found).toMatchObject({ code: 0, healthy: true });
    expect(found.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(find(found, 'data folder')?.message).toContain('made at first use');
    expect(find(found, 'fal.ai')?.message).toContain('set FAL_KEY');
    expect(find(found, 'local generator')?.message).toMatch(/made a test model of \d+ triangles/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is a list for people', async () => {
    const { code, stdout, stderr } = await run(folder, ['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'All is well.\n' });
    expect(stdout).toMatch(/^ok {4}Node\.js +\d+\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^ok {4}data folder +/m);
  });

  it('says what to do when the data folder is a file', async () => {
    const data = path.join(folder, 'a-file');
    await writeFile(data, '');
    const found = await diagnose(data);
    expect(found).toMatchObject({ code: 1, healthy: false });
    expect(find(found, 'data folder')).toMatchObject({
      status: 'fail',
      message: `There is a file in the place of ${data}.`,
      fix: expect.stringContaining('MESHWRIGHT_DATA_DIR'),
    });
  });

  it('says what to do when the jobs belong to another program', async () => {
    const data = path.join(folder, 'foreign');
    await mkdir(data);
    await writeFile(
      path.join(data, 'jobs.db'),
      'this is no database at all, but long enough to look like one'.repeat(20),
    );
    const found = await diagnose(data);
    expect(found.code).toBe(1);
    expect(find(found, 'data folder')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('is not a meshwright database'),
    });
  });

  it('reports bad settings instead of stopping at them, and never prints a key', async () => {
    const found = await diagnose(folder, { FAL_KEY: 'id:topsecret with a space' });
    expect(found.code).toBe(1);
    expect(find(found, 'settings')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('FAL_KEY'),
    });
    expect(JSON.stringify(found)).not.toContain('topsecret');
  });

  it('reports a tool that does not exist, and folders that cannot be found', async () => {
    const missing = path.join(folder, 'nowhere');
    const found = await diagnose(folder, { MESHWRIGHT_TOOLS: 'sculpt', MESHWRIGHT_ALLOWED_DIRS: missing });
    expect(found.code).toBe(1);
    expect(find(found, 'tools')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('"sculpt"'),
    });
    expect(find(found, 'allowed folders')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining(missing),
    });
  });

  it('connects to a provider that has a key, sends it nothing, and tells when it cannot be reached', async () => {
    let received = 0;
    const server = createServer((socket) => {
      socket.on('data', (bytes) => (received += bytes.length));
      socket.on('error', () => undefined);
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const url = `http://127.0.0.1:${port}`;
    const env = { FAL_KEY: 'id:topsecret', MESHWRIGHT_FAL_QUEUE_URL: url, MESHWRIGHT_FAL_REST_URL: url };
    const reached = await diagnose(folder, env);
    await new Promise((resolve) => server.close(resolve));
    expect(reached.code).toBe(0);
    expect(find(reached, 'fal.ai')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('can be reached'),
    });
    expect(received).toBe(0);

    const unreached = await diagnose(folder, env);
    expect(unreached.code).toBe(1);
    expect(find(unreached, 'fal.ai')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(JSON.stringify([reached, unreached])).not.toContain('topsecret');
  });
});
