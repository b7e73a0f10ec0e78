import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { FAL_TEST_KEY, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from '../emulator/pixazo.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from '../emulator/scenario.js';
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

/** All three services, and what points meshwright at them. */
async function services() {
  const fal = await startFalEmulator();
  const pixazo = await startPixazoEmulator();
  const scenario = await startScenarioEmulator();
  onTestFinished(async () => void (await Promise.all([fal, pixazo, scenario].map((one) => one.close()))));
  const env = {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    PIXAZO_API_KEY: PIXAZO_TEST_KEY,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
    SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
    MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
  };
  return { fal, pixazo, scenario, env };
}

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
    expect(find(found, 'tokens')).toBeUndefined();
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

  it('names a price of a model that does not exist, and the model that was meant', async () => {
    const prices = path.join(folder, 'prices.json');
    await writeFile(prices, '{"prices":[{"provider":"fal","model":"fal-ai/reconviagen","usd":0.6}]}');
    const found = await diagnose(path.join(folder, 'priced'), { MESHWRIGHT_PRICES: prices });
    expect(find(found, 'prices')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('the nearest is "fal-ai/reconviagen-0.5"'),
      fix: `Correct the name in ${prices}.`,
    });
  });

  it('reads the token file, also where only the data folder has one', async () => {
    const data = path.join(folder, 'called');
    const tokens = path.join(data, 'tokens.json');
    expect((await run(data, ['token', 'add', 'ada'])).code).toBe(0);
    expect(find(await diagnose(data), 'tokens')).toEqual({
      name: 'tokens',
      status: 'ok',
      message: `1 principal in ${tokens}; MESHWRIGHT_TOKENS=${tokens} lets the HTTP server use it`,
    });
    await writeFile(tokens, '{"principals":[]}');
    expect(find(await diagnose(data), 'tokens')?.status).toBe('warn');
  });

  it('says what is wrong with a token file, and when there is none', async () => {
    const tokens = path.join(folder, 'tokens.json');
    const named = { MESHWRIGHT_TOKENS: tokens };
    const missing = await diagnose(folder, named);
    expect(find(missing, 'tokens')?.message).toContain('There is no token file');
    await writeFile(tokens, '{"principals":');
    const broken = await diagnose(folder, named);
    expect(broken).toMatchObject({ code: 1, healthy: false });
    expect(find(broken, 'tokens')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(
        `The token file ${tokens} (MESHWRIGHT_TOKENS) cannot be used: it is no JSON.`,
      ),
    });
  });

  it('tells of every provider whether it knows the key and what a usual call costs, and buys nothing', async () => {
    const { fal, pixazo, scenario, env } = await services();
    const found = await diagnose(path.join(folder, 'keys'), env);
    expect(find(found, 'fal.ai')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/key accepted, .* can be reached; a default pixal3d call costs \$0\.42/),
    });
    expect(find(found, 'Pixazo')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/key accepted.*; what a default pixal3d call costs is not published/),
    });
    expect(find(found, 'Scenario')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/key accepted.*creative units is told by a dry run/),
    });
    for (const { ledger, journal } of [fal, pixazo, scenario]) {
      expect(ledger.accepted).toBe(0);
      expect(journal.entries({ op: 'submit' })).toEqual([]);
    }
    for (const secret of Object.values(env).filter((value) => /key|secret/i.test(value)))
      expect(JSON.stringify(found)).not.toContain(secret);
  });

  it('finds keys that are refused, and a service that answers nothing of use', async () => {
    const { env, scenario } = await services();
    scenario.fault({ match: {}, action: { type: 'server', status: 500 }, times: 'always' });
    const found = await diagnose(path.join(folder, 'bad'), {
      ...env,
      FAL_KEY: 'id:topsecret',
      PIXAZO_API_KEY: 'topsecret',
    });
    expect(found.code).toBe(1);
    for (const [name, key] of [
      ['fal.ai', 'FAL_KEY'],
      ['Pixazo', 'PIXAZO_API_KEY'],
    ] as const) {
      expect(find(found, name)).toMatchObject({
        status: 'fail',
        message: expect.stringMatching(/^the key is refused: /),
        fix: expect.stringContaining(key),
      });
    }
    expect(find(found, 'Scenario')).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/does not say whether it knows the key \(.*HTTP 500/),
    });
    expect(JSON.stringify(found)).not.toContain('topsecret');
  });

  it('tells when a provider cannot be reached, and when the folder holds the jobs of something else', async () => {
    // Port 9 (discard) is open on no machine that runs tests.
    const env = { PIXAZO_API_KEY: 'topsecret', MESHWRIGHT_PIXAZO_URL: 'https://127.0.0.1:9' };
    // The jobs of another program do not keep the rest from being looked at.
    const data = path.join(folder, 'foreign');
    await mkdir(data);
    await writeFile(path.join(data, 'jobs.db'), 'no database, but as long as the head of one. '.repeat(20));
    const found = await diagnose(data, env);
    expect(found.code).toBe(1);
    expect(find(found, 'Pixazo')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(find(found, 'database')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('is not a meshwright database'),
    });
    expect(JSON.stringify(found)).not.toContain('topsecret');
  });
});
