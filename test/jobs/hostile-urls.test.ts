import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config.js';
import { MeshwrightError } from '../../src/errors.js';
import { LOCAL_PRINCIPAL } from '../../src/open.js';
import { Jobs } from '../../src/jobs/service.js';
import type { JsonObject } from '../../src/json.js';
import { silentLog } from '../../src/log.js';
import { FalProvider } from '../../src/providers/fal.js';
import { PixazoProvider } from '../../src/providers/pixazo.js';
import { operationOf } from '../../src/providers/pixazo/operation.js';
import { SubmitError } from '../../src/providers/provider.js';
import { ScenarioProvider } from '../../src/providers/scenario.js';
import type { Job } from '../../src/store/types.js';
import { findModel } from '../../src/tools/models.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
import {
  SCENARIO_TEST_KEY,
  SCENARIO_TEST_SECRET,
  type ScenarioEmulator,
  startScenarioEmulator,
} from '../emulator/scenario.js';
import { context, errorOf, followContext, inputFile } from '../providers/support.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { HOSTILE_NAMES, HOSTILE_URLS } from '../support/hostile-urls.js';
import { ballPng, dataUri } from '../support/images.js';

/**
 * Every place where a URL comes in, over the real service and the three emulators: an image argument, an item of a
 * list, what a provider says of status, result, cancel, upload and files, and wherever a redirect leads. Names are
 * answered by a hostile DNS; a server that nobody may reach counts who reaches it.
 */

/** As literals: refused before anything is looked up. */
const LITERALS: readonly string[] = Object.values(HOSTILE_URLS).flat();
const NAMES = Object.keys(HOSTILE_NAMES).map((name) => `https://${name}/model.glb?sig=secret`);
/** What no provider would take for the name of a file at all. */
const URLS = [...LITERALS, ...NAMES].filter((url) => url.trim() !== '');
/** A few of each kind, for places that share their code with one where all are tried. */
const SOME = [...Object.values(HOSTILE_URLS).flatMap((urls) => urls.slice(0, 3)), ...NAMES].filter(
  // What ends like a picture is no model to begin with.
  (url) => url.trim() !== '' && !url.endsWith('.png'),
);

let fal: FalEmulator;
let pixazo: PixazoEmulator;
let scenario: ScenarioEmulator;
let folder: string;
let config: Config;
let jobs: Jobs;
let image: string;
/** Nobody may get here: it is on loopback and not allowed. */
let forbidden: http.Server;
let reached = 0;
/** Allowed, and sends whoever comes to where it is told to. */
let doorway: http.Server;
let leadsTo = '';
let asked: string[] = [];

const resolve = (hostname: string) => {
  asked.push(hostname);
  const answers = HOSTILE_NAMES[hostname.replace(/\.$/, '')];
  if (!answers) return Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
  return Promise.resolve(answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
};

async function listen(handler: http.RequestListener): Promise<http.Server> {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const hostOf = (server: http.Server): string => {
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
};

beforeAll(async () => {
  folder = await temporaryFolder();
  image = dataUri(await ballPng(1, 64));
  forbidden = await listen((_request, response) => {
    reached++;
    response.end('a secret');
  });
  doorway = await listen((_request, response) => response.writeHead(302, { location: leadsTo }).end());
  fal = await startFalEmulator({ jobMs: 1 });
  pixazo = await startPixazoEmulator({ jobMs: 1, publicOrigins: [fal.urls.cdn] });
  scenario = await startScenarioEmulator({ jobMs: 1 });
  const allowed = [fal.urls.cdn, pixazo.urls.cdn, scenario.urls.cdn, scenario.urls.storage];
  config = loadConfig({
    MESHWRIGHT_DATA_DIR: path.join(folder, 'data'),
    MESHWRIGHT_ALLOWED_DIRS: folder,
    MESHWRIGHT_POLL_MS: '1',
    FAL_KEY: FAL_TEST_KEY,
    PIXAZO_API_KEY: PIXAZO_TEST_KEY,
    SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
    SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
    MESHWRIGHT_ALLOW_HOSTS: [...allowed.map((url) => new URL(url).host), hostOf(doorway)].join(','),
  });
  jobs = new Jobs({ config, log: silentLog, model: (tool) => Promise.resolve(findModel(tool)), resolve });
  await jobs.start();
});
afterAll(async () => {
  await jobs.stop();
  await Promise.all([fal.close(), pixazo.close(), scenario.close()]);
  for (const server of [forbidden, doorway]) server.close();
  await removeFolder(folder);
});
beforeEach(() => {
  asked = [];
  reached = 0;
});

/** The URLs, and the same host on the port of the forbidden server, where there is room for a port. */
function withPorts(urls: readonly string[]): string[] {
  const port = hostOf(forbidden).split(':')[1];
  return [...urls, `http://127.0.0.1:${port}/`, `https://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://2130706433:${port}/`, `http://[::ffff:127.0.0.1]:${port}/`]; // prettier-ignore
}

async function start(tool: string, provider: string, args: JsonObject): Promise<Job> {
  const model = findModel(tool);
  if (!model) throw new Error(`there is no ${tool}`);
  const parsed = model.input.parse(args);
  const plain: JsonObject = JSON.parse(JSON.stringify(parsed));
  const { job } = await jobs.generate({
    principal: LOCAL_PRINCIPAL,
    model,
    args: plain,
    given: new Set(Object.keys(args)),
    provider,
    forceNew: true,
  });
  return job;
}

async function finish(tool: string, provider: string, args: JsonObject): Promise<Job> {
  const { id } = await start(tool, provider, args);
  return jobs.wait(LOCAL_PRINCIPAL, id, {
    ms: 20_000,
    until: ({ state, error }) => state === 'storing' && error !== undefined,
  });
}

/** Of a job whose file must not be fetched: how it ended, in one line that the test compares. */
const ending = ({ state, error }: Job): string => `${state} ${error?.code ?? ''}`;

/** Nobody got to loopback, and no name was asked for but the hostile ones. */
function expectUntouched(): void {
  expect(reached).toBe(0);
  expect(asked.filter((name) => !(name.replace(/\.$/, '') in HOSTILE_NAMES))).toEqual([]);
}

/** As it can stand in a header. */
const location = (url: string): string =>
  url.replace(/[^\x20-\x7e]/g, (letter) => encodeURIComponent(letter));

/** Which URLs came to which end, so that a failure names them (roughly, where several are tried at once). */
async function outcomes(
  urls: readonly string[],
  tried: (url: string, nth: number) => Promise<string>,
  atOnce = 1,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (let i = 0; i < urls.length; i += atOnce) {
    const some = urls.slice(i, i + atOnce);
    const ends = await Promise.all(some.map((url, at) => tried(url, at + 1)));
    ends.forEach((end, at) => found.set(end, [...(found.get(end) ?? []), some[at] ?? '']));
  }
  return found;
}

const codeOf = (error: unknown): string => (error instanceof MeshwrightError ? error.code : String(error));

describe('an image that an agent names', () => {
  // What is no https URL is told so in other words, or taken for a path, which is not open either.
  const REFUSALS = ['url_refused', 'invalid_image', 'path_refused', 'not_found'];

  it.each([
    ['local_image_to_3d', 'local', 'image_url'],
    ['local_image_to_3d', 'local', 'mask_url'],
    ['reconviagen', 'fal', 'image_urls'],
  ])('%s over %s, in %s', async (tool, provider, field) => {
    const urls = withPorts(
      provider === 'fal' ? LITERALS.filter((url) => url !== '' && !/^https:\/\/\S*:\d+\/$/.test(url)) : URLS,
    );
    const found = await outcomes(urls, async (url) => {
      const given =
        field === 'image_urls' ? { image_urls: [image, url] } : { image_url: image, [field]: url };
      return codeOf(await errorOf(start(tool, provider, given)));
    });
    expect([...found.keys()].filter((code) => !REFUSALS.includes(code))).toEqual([]);
    expect(found.get('url_refused')?.length).toBeGreaterThan(100);
    expectUntouched();
  });

  it('whatever an allowed host redirects to', async () => {
    const found = await outcomes(withPorts(URLS), async (url) => {
      leadsTo = location(url);
      return codeOf(
        await errorOf(start('local_image_to_3d', 'local', { image_url: `http://${hostOf(doorway)}/a.png` })),
      );
    });
    expect([...found.keys()]).toEqual(['url_refused']);
    expectUntouched();
  });
});

describe('what a provider says', () => {
  it('of status, result and cancel (fal) leads the key nowhere, and the job goes on', async () => {
    const { falKey: key = '', falQueueUrl: queueUrl, falRestUrl: restUrl } = config;
    const provider = new FalProvider({ key, queueUrl, restUrl, allowHosts: [], pollMs: 1, resolve });
    const urls = withPorts([...LITERALS, ...NAMES].filter((url) => URL.canParse(url)));
    const found = await outcomes(urls, async (url) => {
      fal.fault({ match: { op: 'submit' }, action: { type: 'job', urlOrigin: url.replace(/\/$/, '') } });
      const body = { image_url: 'https://example.com/a.png' };
      const operation = await provider.submit({ jobId: 'job_1', model: 'fal-ai/pixal3d', body }, context());
      await provider.follow(operation, followContext());
      const result = JSON.stringify((await provider.result(operation, context())).body);
      return `${result.includes('model_glb')} ${await provider.cancel(operation, context())}`;
    });
    expect([...found.keys()]).toEqual(['true finished']);
    expectUntouched();
    expect(asked).toEqual([]);
  });

  it('of where to poll (Pixazo) leads the key nowhere, and the job goes on', async () => {
    const provider = new PixazoProvider({ key: PIXAZO_TEST_KEY, url: config.pixazoUrl, pollMs: 1 });
    const found = await outcomes(withPorts(URLS), async (pollingUrl) => {
      pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', pollingUrl } });
      const body = { image_url: 'https://example.com/a.png' };
      const operation = await provider.submit({ jobId: 'job_1', model: 'pixal3d', body }, context());
      return String(JSON.stringify((await provider.result(operation, context())).body).includes('.glb'));
    });
    expect([...found.keys()]).toEqual(['true']);
    expectUntouched();
  });

  it('of where to poll stays below the gateway that is configured', async () => {
    const url = `${config.pixazoUrl}/proxy`;
    const polling = (pollingUrl: string): unknown =>
      operationOf({ request_id: 'r1', polling_url: pollingUrl }, 'pixal3d', 0, url, undefined)?.pollingUrl;
    expect(polling(`${url}/v2/requests/status/r1`)).toBeTypeOf('string');
    for (const other of [`${config.pixazoUrl}/v2`, `${url}/../admin`, `${url}/%2e%2e/admin`, `${url}x/y`]) {
      expect(polling(other), other).toBeUndefined();
    }
  });

  it.each(['fal', 'pixazo', 'scenario'])('of its files (%s) is not fetched', async (provider) => {
    const found = await outcomes(
      withPorts(provider === 'fal' ? URLS : SOME),
      async (url, nth) => {
        if (provider === 'fal')
          fal.fault({
            nth,
            match: { op: 'submit' },
            action: { type: 'job', output: { model_glb: { url } } },
          });
        else if (provider === 'pixazo')
          pixazo.fault({
            nth,
            match: { op: 'submit' },
            action: { type: 'job', body: { output: { media_url: [url] } } },
          });
        else scenario.fault({ nth, match: { op: 'asset' }, action: { type: 'asset', body: { url } } });
        return ending(
          await finish('pixal3d', provider, {
            image_url: provider === 'scenario' ? image : 'https://example.com/a.png',
          }),
        );
      },
      16,
    );
    // What a name leads to may be another address tomorrow, so the paid file is waited for.
    const ends = new Set(['failed url_refused', 'storing url_refused']);
    expect([...found.keys()].filter((end) => !ends.has(end))).toEqual([]);
    expectUntouched();
  });

  it('of its files and then redirects is not followed', async () => {
    const found = await outcomes(withPorts(SOME), async (url) => {
      leadsTo = location(url);
      const output = { model_glb: { url: `http://${hostOf(doorway)}/model.glb` } };
      fal.fault({ match: { op: 'submit' }, action: { type: 'job', output } });
      return ending(await finish('pixal3d', 'fal', { image_url: 'https://example.com/a.png' }));
    });
    const ends = new Set(['failed url_refused', 'storing url_refused']);
    expect([...found.keys()].filter((end) => !ends.has(end))).toEqual([]);
    expectUntouched();
  });

  it('of where uploads go (fal) gets no image', async () => {
    const { falKey: key = '', falQueueUrl: queueUrl, falRestUrl: restUrl } = config;
    const provider = new FalProvider({ key, queueUrl, restUrl, allowHosts: [hostOf(doorway)], resolve });
    const tried = async (url: string): Promise<string> => {
      const answer = { upload_url: url, file_url: 'https://v3.fal.media/files/a.png' };
      fal.fault({ match: { op: 'initiate' }, action: { type: 'respond', status: 200, json: answer } });
      const error = await errorOf(provider.upload(inputFile(Buffer.from(url)), context()));
      return error instanceof SubmitError && error.cause instanceof MeshwrightError
        ? error.cause.code
        : String(error);
    };
    const found = await outcomes(withPorts(URLS.filter((url) => URL.canParse(url))), tried);
    expect([...found.keys()]).toEqual(['url_refused']);
    leadsTo = `http://${hostOf(forbidden)}/`;
    expect(await tried(`http://${hostOf(doorway)}/put`)).toBe('url_refused');
    expectUntouched();
  });

  it('of where the parts of an upload go (Scenario) gets no image', async () => {
    const provider = new ScenarioProvider({
      key: SCENARIO_TEST_KEY,
      secret: SCENARIO_TEST_SECRET,
      url: config.scenarioUrl,
      allowHosts: [hostOf(doorway)],
      resolve,
    });
    let nth = 0;
    const tried = async (url: string): Promise<string> => {
      const upload = { id: 'upload_1', status: 'pending', parts: [{ number: 1, url }] };
      scenario.fault({
        match: { op: 'upload-create' },
        action: { type: 'respond', status: 200, json: { upload } },
      });
      // Beyond what goes inline.
      const bytes = Buffer.alloc(3_600_000, nth++);
      const error = await errorOf(provider.upload(inputFile(bytes), context()));
      return error instanceof SubmitError && error.cause instanceof MeshwrightError
        ? error.cause.code
        : String(error);
    };
    const found = await outcomes(withPorts(URLS), tried);
    expect([...found.keys()]).toEqual(['url_refused']);
    leadsTo = `http://${hostOf(forbidden)}/`;
    expect(await tried(`http://${hostOf(doorway)}/put`)).toBe('url_refused');
    expectUntouched();
  });

  it('with a redirect of its own API gets no key', async () => {
    const provider = new PixazoProvider({ key: PIXAZO_TEST_KEY, url: config.pixazoUrl, pollMs: 1 });
    pixazo.fault({
      match: { op: 'submit' },
      action: { type: 'redirect', to: `http://${hostOf(forbidden)}/` },
    });
    const body = { image_url: 'https://example.com/a.png' };
    expect(
      await errorOf(provider.submit({ jobId: 'job_1', model: 'pixal3d', body }, context())),
    ).toMatchObject({
      outcome: 'unclear',
    });
    expectUntouched();
  });
});
