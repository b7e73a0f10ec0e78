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

  it('tells a person what to do', async () => {
    const data = path.join(folder, 'a-file');
    await writeFile(data, '');
    const missing = path.join(folder, 'nowhere');
    const { code, stdout, stderr } = await run(data, ['doctor'], {
      env: { MESHWRIGHT_TOOLS: 'sculpt', MESHWRIGHT_ALLOWED_DIRS: missing },
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'Something needs attention.\n' });
    expect(stdout).toMatch(/^ok {4}Node\.js +\d+\.\d+\.\d+$/m);
    expect(stdout).toContain(`There is a file in the place of ${data}.\n`);
    expect(stdout).toMatch(/^ +→ Move it away, or set MESHWRIGHT_DATA_DIR to another folder\.$/m);
    expect(stdout).toMatch(/^fail {2}tools +MESHWRIGHT_TOOLS names "sculpt"/m);
    expect(stdout).toMatch(/^warn {2}allowed folders +.*nowhere cannot be found$/m);
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

  it('connects to a provider that has a key, sends it nothing, and tells when it cannot be reached', async () => {
    let received = 0;
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on('data', (bytes) => (received += bytes.length));
      socket.on('error', () => undefined);
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    // Port 9 (discard) is open on no machine that runs tests.
    const env = {
      FAL_KEY: 'id:topsecret',
      MESHWRIGHT_FAL_QUEUE_URL: `http://127.0.0.1:${port}`,
      MESHWRIGHT_FAL_REST_URL: `http://127.0.0.1:${port}`,
      PIXAZO_API_KEY: 'topsecret',
      MESHWRIGHT_PIXAZO_URL: 'https://127.0.0.1:9',
    };
    // The jobs of another program do not keep the rest from being looked at.
    const data = path.join(folder, 'foreign');
    await mkdir(data);
    await writeFile(path.join(data, 'jobs.db'), 'no database, but as long as the head of one. '.repeat(20));
    const found = await diagnose(data, env);
    await new Promise((resolve) => server.close(resolve));
    expect(found.code).toBe(1);
    expect(find(found, 'fal.ai')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('can be reached'),
    });
    expect({ connections, received }).toEqual({ connections: 2, received: 0 });
    expect(find(found, 'Pixazo')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(find(found, 'data folder')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('is not a meshwright database'),
    });
    expect(JSON.stringify(found)).not.toContain('topsecret');
  });
});
