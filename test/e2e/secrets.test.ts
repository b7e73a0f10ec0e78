import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import type { z } from 'zod';
import type { jobActionSchema } from '../emulator/fal/plan.js';
import type { commonActionSchema } from '../emulator/common/actions.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
import {
  SCENARIO_TEST_KEY,
  SCENARIO_TEST_SECRET,
  type ScenarioEmulator,
  startScenarioEmulator,
} from '../emulator/scenario.js';
import { CLI, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/**
 * Many calls over three providers in good and bad weather, the log at its most talkative, and a crash at the end:
 * no key, in no form, is in anything that leaves the server or stays on the disk.
 */

const KEYS = [FAL_TEST_KEY, PIXAZO_TEST_KEY, SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET];
const BASIC = Buffer.from(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`).toString('base64');
/** What a provider's page, proxy or gateway may throw back. */
const ECHO = `bad key ${KEYS.join(' ')}, Authorization: Basic ${BASIC}, ${Buffer.from(`Key ${FAL_TEST_KEY}`).toString('base64')}`;
const SIGNED =
  'https://cdn.example.com/a/model.glb?X-Amz-Signature=5ig1234567890abcdef&X-Amz-Credential=AKIA1234567890';

let folder: string;
let fal: FalEmulator;
let pixazo: PixazoEmulator;
let scenario: ScenarioEmulator;
let client: Client;
let pid = 0;
let log = '';
let left: Promise<void>;
const answers: string[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 5 });
  pixazo = await startPixazoEmulator({ jobMs: 5, publicOrigins: [fal.urls.cdn] });
  scenario = await startScenarioEmulator({ jobMs: 5 });
  // A defect that throws what it has at hand, where nobody catches it.
  const defect = path.join(folder, 'defect.mjs');
  await writeFile(
    defect,
    `const keys = [process.env.FAL_KEY, process.env.SCENARIO_SDK_API_SECRET, ${JSON.stringify(BASIC)}];
     process.on('SIGUSR2', () => { throw Object.assign(new Error('defect with ' + keys.join(' ')), { headers: keys }); });`,
  );
  const hosts = [fal.urls.cdn, pixazo.urls.cdn, scenario.urls.cdn, scenario.urls.storage];
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--import', pathToFileURL(defect).href, CLI],
    stderr: 'pipe',
    env: serverEnv(path.join(folder, 'data'), {
      MESHWRIGHT_LOG: 'debug',
      MESHWRIGHT_POLL_MS: '5',
      FAL_KEY: FAL_TEST_KEY,
      PIXAZO_API_KEY: PIXAZO_TEST_KEY,
      SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
      SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
      MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
      MESHWRIGHT_ALLOW_HOSTS: hosts.map((url) => new URL(url).host).join(','),
    }),
  });
  transport.stderr?.on('data', (text: Buffer) => (log += text.toString('utf8')));
  client = new Client({ name: 'test', version: '0' });
  await client.connect(transport);
  pid = transport.pid ?? 0;
  left = new Promise((resolve) => Object.assign(client, { onclose: resolve }));
});
afterAll(async () => {
  await client.close();
  await Promise.all([fal.close(), pixazo.close(), scenario.close()]);
  await removeFolder(folder);
});

async function call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer: unknown = await client
    .callTool({ name, arguments: args })
    .catch((error: unknown) => ({ error: String(error) }));
  answers.push(JSON.stringify(answer));
  const structured = isRecord(answer) ? answer['structuredContent'] : undefined;
  return isRecord(structured) ? structured : {};
}

/** The errors of each provider, in its own words with ours in them. */
const WEATHER: z.input<typeof commonActionSchema>[] = [
  { type: 'respond', status: 401, json: { detail: ECHO, message: ECHO, reason: ECHO } },
  { type: 'respond', status: 403, text: ECHO },
  { type: 'respond', status: 422, json: { detail: [{ loc: ['body', ECHO], msg: `${ECHO} ${SIGNED}`, type: ECHO }], error: ECHO, reason: SIGNED } },
  { type: 'respond', status: 500, text: `<html>${ECHO}</html>` },
  { type: 'respond', status: 429, json: { detail: SIGNED, message: ECHO, details: { actionName: ECHO } }, headers: { 'retry-after': '0' } },
  { type: 'reset' },
  { type: 'reset', accept: true },
]; // prettier-ignore

it('no key is in any answer, log line, error, file, command line or crash', async () => {
  const image = dataUri(await ballPng(3, 64));
  await Promise.all(
    ['fal', 'pixazo', 'scenario'].map(async (provider) => {
      const emulator = { fal, pixazo, scenario }[provider] ?? fal;
      const args = { image_url: image, provider, force_new: true, wait_seconds: 1 };
      await call('pixal3d', { ...args, wait_seconds: 20 });
      for (const action of WEATHER) {
        emulator.fault({ match: { op: 'submit' }, action });
        await call('pixal3d', args);
      }
      // In the middle of a job, with a status that has it all.
      for (const op of ['status', 'result', 'get']) {
        for (const action of WEATHER.slice(0, 2)) emulator.fault({ match: { op }, action });
      }
      await call('pixal3d', args);
    }),
  );
  const ends: z.input<typeof jobActionSchema>[] = [
    { type: 'job', logs: [`${ECHO} ${SIGNED}`] },
    { type: 'job', failure: { status: 422, json: { detail: `${ECHO} ${SIGNED}` } } },
    { type: 'job', output: { model_glb: { url: SIGNED } } },
  ];
  for (const action of ends) {
    fal.fault({ match: { op: 'submit' }, action });
    await call('pixal3d', { image_url: image, provider: 'fal', force_new: true, wait_seconds: 2 });
  }
  // What an agent says itself comes back masked, too.
  for (const text of [
    ECHO,
    SIGNED,
    `https://user:${PIXAZO_TEST_KEY}@example.com/a.png`,
    `/tmp/${FAL_TEST_KEY}`,
  ]) {
    await call('local_image_to_3d', { image_url: text });
    await call('get_job', { job_id: text });
    await call('inspect_asset', { asset_id: text });
    await call('list_jobs', { cursor: text });
    answers.push(await client.readResource({ uri: `meshwright://${text}` }).then(JSON.stringify, String));
  }
  const { jobs } = await call('list_jobs', { limit: 100 });
  expect(Array.isArray(jobs) && jobs.length).toBeGreaterThan(20);
  for (const job of Array.isArray(jobs) ? jobs.filter(isRecord) : []) {
    answers.push(
      JSON.stringify(await client.readResource({ uri: `meshwright://jobs/${String(job['job_id'])}` })),
    );
  }
  const commandLine = process.platform === 'linux' ? await readFile(`/proc/${pid}/cmdline`, 'latin1') : '';

  process.kill(pid, 'SIGUSR2');
  await left;
  expect(log).toContain('defect with ***');
  // They were there to be masked.
  expect(answers.join('\n').split('***').length).toBeGreaterThan(100);
  expect(log.split('***').length).toBeGreaterThan(50);

  expectClean('an answer', answers.join('\n'));
  expectClean('the log', log);
  expectClean('the command line', commandLine);
  for (const [name, text] of await filesIn(path.join(folder, 'data')))
    expectClean(name, text, name.endsWith('.db'));
});

/** A file that is still being stored needs its link; but a link that was answered or logged is one too many. */
function expectClean(where: string, text: string, mayHaveLinks = false): void {
  const halves = KEYS.flatMap((key) => [key, ...key.split(':')]);
  const base64 = [...halves, `${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`, `Key ${FAL_TEST_KEY}`].map(
    (half) => Buffer.from(half).toString('base64').replaceAll('=', '').slice(4, -2),
  );
  const links = mayHaveLinks ? [] : ['5ig1234567890abcdef', 'AKIA1234567890'];
  for (const secret of [...halves, ...base64, BASIC, ...links]) {
    const at = text.indexOf(secret);
    expect(at < 0 ? '' : text.slice(Math.max(0, at - 80), at + 80), `${secret} in ${where}`).toBe('');
  }
}

async function filesIn(directory: string): Promise<[string, string][]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry): Promise<[string, string]> => {
        const file = path.join(entry.parentPath, entry.name);
        return [file, await readFile(file, 'latin1')];
      }),
  );
}
