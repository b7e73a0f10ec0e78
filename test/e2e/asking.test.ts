import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  type Asked,
  CLI,
  type ClientKind,
  connect,
  connectHttp,
  type ElicitAnswer,
  type Progress,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { startHttpProcess } from '../support/http-server.js';
import { RawPeer } from '../support/raw-peer.js';

/** Who pays is asked before anything is sent: over the real server, with real clients of both eras. */

let folder: string;
let fal: FalEmulator;
const clients: Pick<TestClient, 'close'>[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 100 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await fal.close();
  await removeFolder(folder);
});

const settings = (extra: Record<string, string> = {}): Record<string, string> =>
  serverEnv(path.join(folder, 'data'), {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
    MESHWRIGHT_POLL_MS: '50',
    ...extra,
  });

/** A client, and what its user was shown. */
async function start(
  kind: ClientKind,
  { env = {}, answer, name }: Asked & { env?: Record<string, string> } = {},
): Promise<{ client: TestClient; shown: string[] }> {
  const shown: string[] = [];
  const client = await connect(kind, settings(env), [], {
    ...(name === undefined ? {} : { name }),
    ...(answer
      ? {
          answer: (message: string) => {
            shown.push(message);
            return answer(message);
          },
        }
      : {}),
  });
  clients.push(client);
  return { client, shown };
}

const IMAGE = 'https://storage.googleapis.com/falserverless/dog.png';
/** $1.20, above the $1 from which on the user is asked where nothing is set. */
const dear = (client: TestClient, args: Record<string, unknown> = {}): Promise<ToolResult> =>
  client.call('rodin', { prompt: 'a mug', addons: 'HighPack', wait_seconds: 0, ...args });
const cheap = (client: TestClient): Promise<ToolResult> =>
  client.call('triposr', { image_url: IMAGE, wait_seconds: 0 });
const unpriced = (client: TestClient, args: Record<string, unknown> = {}): Promise<ToolResult> =>
  client.call('reconviagen', { image_urls: [IMAGE], wait_seconds: 0, ...args });

const says = (action: ElicitAnswer['action']) => (): Promise<ElicitAnswer> => Promise.resolve({ action });

function expectBegun({ structured, text, isError }: ToolResult): void {
  expect(isError, text).toBe(false);
  expect(structured).toMatchObject({ job_id: expect.stringMatching(/^job_/) });
}

function refusal({ structured, text, isError }: ToolResult): Record<string, unknown> {
  expect(isError, text).toBe(true);
  const from: unknown = structured ?? JSON.parse(text);
  return isRecord(from) && isRecord(from['error']) ? from['error'] : {};
}

const submits = (): number => fal.journal.entries({ op: 'submit' }).length;

/** A connection that speaks 2026-07-28 message by message. */
async function modernPeer(capabilities: object): Promise<RawPeer> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI],
    env: settings(),
    stderr: 'ignore',
  });
  const peer = new RawPeer(transport, {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'meshwright-tests', version: '0.0.0' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  });
  await peer.start();
  clients.push(peer);
  return peer;
}

async function expectNothingBegun(client: TestClient): Promise<void> {
  expect(submits()).toBe(0);
  expect((await client.call('list_jobs', {})).structured?.['jobs']).toEqual([]);
}

describe.each<ClientKind>(['v1', 'v2 modern'])('a %s client', (kind) => {
  it('asks above a dollar, names tool, provider, price and what was spent, and goes on after a yes', async () => {
    const { client, shown } = await start(kind, { answer: says('accept') });
    expectBegun(await cheap(client));
    expect(shown).toEqual([]);
    const bought = await dear(client, { wait_seconds: 30 });
    expect(bought.structured, bought.text).toMatchObject({
      status: 'succeeded',
      cost_usd: { estimate: 1.2 },
    });
    expect(shown).toHaveLength(1);
    expect(shown[0]).toMatch(/rodin over fal for about \$1\.20\?.*today \(UTC\): \$0\.07\./);
  });

  it.each([
    ['decline', /said no/],
    ['cancel', /closed the question/],
  ] as const)('sends nothing after a %s', async (action, sentence) => {
    const { client, shown } = await start(kind, { answer: says(action) });
    const refused = await dear(client);
    expect(refusal(refused)).toMatchObject({
      code: 'declined',
      charged: 'no',
      retryable: false,
      message: expect.stringMatching(sentence),
    });
    expect(refused.text).toMatch(
      /Nothing was sent and nothing is charged.*about \$1\.20.*Do not call rodin again unless the user asks/,
    );
    expect(shown).toHaveLength(1);
    await expectNothingBegun(client);
  });

  it('asks once for a call and not again for its job, and asks for a new one', async () => {
    const { client, shown } = await start(kind, { answer: says('accept') });
    const first = await dear(client);
    const again = await dear(client);
    expect(again.structured).toMatchObject({ deduplicated: true, job_id: first.structured?.['job_id'] });
    expect(shown).toHaveLength(1);
    expectBegun(await dear(client, { force_new: true }));
    expect(shown).toHaveLength(2);
  });

  it('does not ask for what a cap refuses, and names the cap otherwise', async () => {
    const env = { MESHWRIGHT_MAX_USD_PER_DAY: '1.1', MESHWRIGHT_ASK_USD: '0' };
    const { client, shown } = await start(kind, { env, answer: says('accept') });
    expect(refusal(await dear(client))).toMatchObject({ code: 'over_budget' });
    expect(shown).toEqual([]);
    await expectNothingBegun(client);
    expectBegun(await cheap(client));
    expect(shown[0]).toMatch(/triposr over fal for about \$0\.07\?.*\$0\.00 of \$1\.10 allowed/);
  });

  it('that cannot ask is not kept from buying', async () => {
    const { client } = await start(kind);
    expectBegun(await dear(client));
  });

  it('that is known to decline by itself, at once, could not ask: the cap decides', async () => {
    const quick = await start(kind, { name: 'codex-mcp-client', answer: says('decline') });
    expectBegun(await dear(quick.client));
    expect(quick.shown).toHaveLength(1);
    const env = { MESHWRIGHT_MAX_USD_PER_JOB: '1', MESHWRIGHT_ASK_USD: '0.05' };
    const capped = await start(kind, { name: 'claude-code', env, answer: says('decline') });
    expectBegun(await cheap(capped.client));
    expect(refusal(await dear(capped.client, { force_new: true }))).toMatchObject({ code: 'over_budget' });
  });
});

it('an unknown price asks once a price to ask from was set, and nothing asks at never', async () => {
  const set = await start('v2 modern', { env: { MESHWRIGHT_ASK_USD: '100' }, answer: says('decline') });
  expect(refusal(await unpriced(set.client))).toMatchObject({ code: 'declined' });
  expect(set.shown[0]).toMatch(/reconviagen over fal\? Its price is not known\./);
  const never = await start('v2 modern', { env: { MESHWRIGHT_ASK_USD: 'never' }, answer: says('decline') });
  expectBegun(await dear(never.client));
  expectBegun(await unpriced(never.client));
  const unset = await start('v2 modern', { answer: says('decline') });
  expectBegun(await unpriced(unset.client, { force_new: true }));
  expect([...never.shown, ...unset.shown]).toEqual([]);
});

it('a client of the second generation that speaks the older protocol is asked as well', async () => {
  const { client, shown } = await start('v2 legacy', { answer: says('decline') });
  expect(refusal(await dear(client))).toMatchObject({ code: 'declined' });
  expect(shown).toHaveLength(1);
});

describe('over HTTP', () => {
  it.each<ClientKind>(['v1', 'v2 modern'])('a %s client asks as well', async (kind) => {
    const server = await startHttpProcess(settings());
    clients.push({ close: async () => void (await server.stop()) });
    for (const [action, begins] of [
      ['decline', false],
      ['accept', true],
    ] as const) {
      const shown: string[] = [];
      const answer = (message: string): Promise<ElicitAnswer> => {
        shown.push(message);
        return Promise.resolve({ action });
      };
      const client = await connectHttp(kind, `${server.origin}/mcp`, {}, { answer });
      clients.unshift(client);
      const result = await dear(client);
      if (begins) expectBegun(result);
      else expect(refusal(result)).toMatchObject({ code: 'declined' });
      expect(shown).toEqual([expect.stringMatching(/rodin over fal for about \$1\.20/)]);
    }
    await expect.poll(submits).toBe(1);
  });
});

describe('a person who is slow to answer', () => {
  it('gets a clear word in time that nothing was started, and no job when the yes comes after all', async () => {
    let answerNow = (): void => undefined;
    const late = new Promise<ElicitAnswer>((resolve) => {
      answerNow = (): void => resolve({ action: 'accept' });
    });
    const env = { MESHWRIGHT_WAIT_SECONDS: '0.3' };
    const { client } = await start('v1', { env, answer: () => late });
    const told: (string | undefined)[] = [];
    const call = { prompt: 'a mug', addons: 'HighPack', wait_seconds: 0 };
    const onprogress = ({ message }: Progress): void => void told.push(message);
    expect(refusal(await client.call('rodin', call, { onprogress }))).toMatchObject({
      code: 'timeout',
      charged: 'no',
      retryable: true,
      message: expect.stringMatching(/^Nothing was sent and nothing is charged.*in time.*0\.3 s.*same call/),
    });
    expect(told.join()).toContain('Waiting for the user to agree to the price');
    answerNow();
    await client.listTools();
    await expectNothingBegun(client);
  });

  it('is waited for by the client and not by the call, where the protocol has it so', async () => {
    const env = { MESHWRIGHT_WAIT_SECONDS: '0.3' };
    const answer = (): Promise<ElicitAnswer> => pause(600, { action: 'accept' });
    const { client } = await start('v2 modern', { env, answer });
    expectBegun(await dear(client));
  });

  it('says no also with a client that is known to decline by itself', async () => {
    const answer = (): Promise<ElicitAnswer> => pause(1_100, { action: 'decline' });
    const { client } = await start('v1', { name: 'claude-code', answer });
    expect(refusal(await dear(client))).toMatchObject({ code: 'declined' });
  });
});

describe('the state that comes back with an answer', () => {
  const asking = { name: 'rodin', arguments: { prompt: 'a mug', addons: 'HighPack', wait_seconds: 0 } };
  const yes = { inputResponses: { price: { action: 'accept' } } };

  it('is believed only as it was sealed, and only for the call that it was sealed for', async () => {
    const peer = await modernPeer({ elicitation: {} });
    const { resultType, inputRequests, requestState } = await peer.result('tools/call', asking);
    expect(resultType).toBe('input_required');
    expect(inputRequests).toMatchObject({
      price: { method: 'elicitation/create', params: { message: expect.stringContaining('$1.20') } },
    });
    const sealed = typeof requestState === 'string' ? requestState : '';
    const [version, body = '', seal] = sealed.split('.');
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('1.2,', '9.9,'));
    expect(forged.toString('base64url')).not.toBe(body);
    for (const state of [`${version}.${forged.toString('base64url')}.${seal}`, sealed.slice(0, -2), 'x']) {
      const error = await peer.error('tools/call', { ...asking, ...yes, requestState: state });
      expect(error.code).toBe(-32602);
    }
    const another = { ...asking.arguments, prompt: 'two mugs' };
    for (const params of [
      { ...asking, ...yes },
      { ...asking, arguments: another, ...yes, requestState: sealed },
      { ...asking, arguments: { ...asking.arguments, force_new: true }, ...yes, requestState: sealed },
      { ...asking, requestState: sealed },
    ]) {
      expect(await peer.result('tools/call', params)).toMatchObject({ resultType: 'input_required' });
    }
    expect(submits()).toBe(0);
    expect(await peer.result('tools/call', { ...asking, ...yes, requestState: sealed })).toMatchObject({
      resultType: 'complete',
      structuredContent: { tool: 'rodin' },
    });
    await expect.poll(submits).toBe(1);
  });

  it('buys one job, also when it comes again with force_new', async () => {
    const peer = await modernPeer({ elicitation: {} });
    const anew = { ...asking, arguments: { ...asking.arguments, prompt: 'a jug', force_new: true } };
    const { requestState } = await peer.result('tools/call', anew);
    const before = submits();
    const answers = await Promise.all(
      [1, 2, 3].map(async () => peer.result('tools/call', { ...anew, ...yes, requestState })),
    );
    const ids = answers.map(
      ({ structuredContent }) => isRecord(structuredContent) && structuredContent['job_id'],
    );
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^job_/);
    await expect.poll(submits).toBe(before + 1);
    expect(await peer.result('tools/call', { ...anew, ...yes, requestState })).toMatchObject({
      structuredContent: { job_id: ids[0], deduplicated: true },
    });
    expect(submits()).toBe(before + 1);
  });

  it('leads to a task where the client takes tasks', async () => {
    const peer = await modernPeer({ elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } });
    const { resultType, requestState } = await peer.result('tools/call', asking);
    expect(resultType).toBe('input_required');
    const task = await peer.result('tools/call', { ...asking, ...yes, requestState });
    expect(task).toMatchObject({ resultType: 'task', taskId: expect.stringMatching(/^job_/) });
    expect(task).not.toHaveProperty('requestState');
  });
});
