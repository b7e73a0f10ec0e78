import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import { CLI, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';
import { RawPeer } from '../support/raw-peer.js';

const INFO = { name: 'meshwright-tests', version: '0.0.0' };
const TASKS = 'io.modelcontextprotocol/tasks';
const DECLARED = { extensions: { [TASKS]: {} } };
const REVISION = '2026-07-28';

let folder: string;
let server: { command: string; args: string[]; env: Record<string, string>; stderr: 'ignore' };
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  const env = serverEnv(path.join(folder, 'data'));
  server = { command: process.execPath, args: [CLI], env, stderr: 'ignore' };
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await removeFolder(folder);
});

const ball = async (variant: number): Promise<{ image_url: string; target_triangles: number }> => ({
  image_url: dataUri(await ballPng(variant)),
  target_triangles: 4000,
});

/** A connection that speaks 2026-07-28 message by message. */
async function modernPeer(capabilities: object): Promise<RawPeer> {
  const peer = new RawPeer(new TransportV2(server), {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientInfo': INFO,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  });
  await peer.start();
  closers.push(() => peer.close());
  return peer;
}

async function settled(peer: RawPeer, taskId: unknown): Promise<JsonObject> {
  let task: JsonObject = {};
  await expect
    .poll(
      async () => {
        task = await peer.result('tasks/get', { taskId });
        return task['status'];
      },
      { timeout: 30_000 },
    )
    .not.toBe('working');
  return task;
}

describe('the tasks extension of 2026-07-28', () => {
  it('is declared by the server and carries a model through the official task client', async () => {
    const client = new ClientV2(INFO, {
      capabilities: DECLARED,
      versionNegotiation: { mode: { pin: REVISION } },
    });
    const transport = new TransportV2(server);
    await client.connect(transport);
    closers.push(() => client.close());
    expect(client.getServerCapabilities()?.extensions).toHaveProperty([TASKS]);
    const raw = RawPeer.beside(transport);
    const session = createTaskSessionFromClient(client, {
      endpointId: 'test',
      rawDispatch: (request) => raw.dispatch(request),
      v2RequestFraming: { protocolVersion: REVISION, clientInfo: INFO, clientCapabilities: DECLARED },
    });
    const execution = await session.callTool('local_image_to_3d', await ball(1));
    expect(execution.kind).toBe('task');
    const { outcome } = await execution.settle();
    const result = resultFromTaskOutcome(outcome);
    expect(result.structuredContent).toMatchObject({ status: 'succeeded', tool: 'local_image_to_3d' });
    await session.close();
  });

  it('shows the job as a flat task, with its result inline when it is done', async () => {
    const peer = await modernPeer(DECLARED);
    const created = await peer.result('tools/call', {
      name: 'local_image_to_3d',
      arguments: { ...(await ball(2)), wait_seconds: 60 },
    });
    expect(created).toMatchObject({ resultType: 'task', status: 'working', ttlMs: null });
    expect(created['taskId']).toMatch(/^job_/);
    expect(Number.isInteger(created['pollIntervalMs'])).toBe(true);
    for (const key of ['result', 'error', 'inputRequests', 'requestState']) {
      expect(created).not.toHaveProperty(key);
    }
    const done = await settled(peer, created['taskId']);
    expect(done).toMatchObject({ resultType: 'complete', status: 'completed' });
    expect(done['result']).toMatchObject({
      resultType: 'complete',
      structuredContent: { status: 'succeeded', job_id: created['taskId'] },
    });
    // It has ended: an equal call is answered at once.
    const again = await peer.result('tools/call', { name: 'local_image_to_3d', arguments: await ball(2) });
    expect(again).toMatchObject({ resultType: 'complete', structuredContent: { deduplicated: true } });
  });

  it('cancels, and cancelling again changes nothing', async () => {
    const peer = await modernPeer(DECLARED);
    const { taskId } = await peer.result('tools/call', {
      name: 'local_image_to_3d',
      arguments: await ball(3),
    });
    expect(await peer.result('tasks/cancel', { taskId })).toMatchObject({ resultType: 'complete' });
    const ended = await settled(peer, taskId);
    expect(ended['status']).toBe('cancelled');
    expect(ended).not.toHaveProperty('result');
    expect(await peer.result('tasks/cancel', { taskId })).toMatchObject({ resultType: 'complete' });
    expect(await peer.result('tasks/update', { taskId, inputResponses: {} })).toMatchObject({
      resultType: 'complete',
    });
  });

  it('answers other tools, other errors and other clients without a task', async () => {
    const peer = await modernPeer(DECLARED);
    const models = await peer.result('tools/call', { name: 'list_models', arguments: {} });
    expect(models).toMatchObject({ resultType: 'complete' });
    const refused = await peer.result('tools/call', { name: 'local_image_to_3d', arguments: {} });
    expect(refused).toMatchObject({ resultType: 'complete', isError: true });
    expect(await peer.error('tasks/get', { taskId: 'job_nobody' })).toMatchObject({ code: -32602 });
    expect(await peer.error('tasks/result', { taskId: 'job_nobody' })).toMatchObject({ code: -32601 });
    expect(await peer.error('tasks/list', {})).toMatchObject({ code: -32601 });

    const undeclared = await modernPeer({});
    const started = await undeclared.result('tools/call', {
      name: 'local_image_to_3d',
      arguments: { ...(await ball(4)), wait_seconds: 0 },
    });
    expect(started['resultType']).toBe('complete');
    const job = isRecord(started['structuredContent']) ? started['structuredContent']['job_id'] : undefined;
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      expect(await undeclared.error(method, { taskId: job, inputResponses: {} })).toMatchObject({
        code: -32021,
      });
    }
  });
});

describe('the experimental tasks of 2025-11-25', () => {
  async function connectV1(): Promise<ClientV1> {
    const client = new ClientV1(INFO, { capabilities: {} });
    await client.connect(new TransportV1(server));
    closers.push(() => client.close());
    return client;
  }

  it('carry a model through the stream of the older client', async () => {
    const client = await connectV1();
    expect(client.getServerCapabilities()?.tasks).toMatchObject({ requests: { tools: { call: {} } } });
    const { tools } = await client.listTools();
    const supports = (name: string): unknown =>
      tools.find((tool) => tool.name === name)?.execution?.taskSupport;
    expect(supports('local_image_to_3d')).toBe('optional');
    expect(supports('list_models')).toBeUndefined();

    const seen: string[] = [];
    let result: unknown;
    const stream = client.experimental.tasks.callToolStream(
      { name: 'local_image_to_3d', arguments: await ball(5) },
      undefined,
      { task: { ttl: 60_000 } },
    );
    for await (const message of stream) {
      seen.push(message.type);
      if (message.type === 'error') throw message.error;
      if (message.type === 'result') result = message.result;
    }
    expect(seen[0]).toBe('taskCreated');
    expect(seen).toContain('taskStatus');
    expect(result).toMatchObject({ structuredContent: { status: 'succeeded' } });

    const listed = await client.experimental.tasks.listTasks();
    expect(listed.tasks).toMatchObject([{ status: 'completed', ttl: null }]);
    const [task] = listed.tasks;
    const taskId = task?.taskId ?? '';
    const fetched = await client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
    expect(fetched).toMatchObject({
      structuredContent: { status: 'succeeded' },
      _meta: { 'io.modelcontextprotocol/related-task': { taskId } },
    });
    await expect(client.experimental.tasks.cancelTask(taskId)).rejects.toThrow(/ended/);
  });

  it('are cancelled with their job', async () => {
    const client = await connectV1();
    const stream = client.experimental.tasks.callToolStream(
      { name: 'local_image_to_3d', arguments: await ball(6) },
      undefined,
      { task: {} },
    );
    const first = await stream.next();
    const taskId = first.value?.type === 'taskCreated' ? first.value.task.taskId : '';
    expect(taskId).toMatch(/^job_/);
    expect(await client.experimental.tasks.cancelTask(taskId)).toMatchObject({ status: 'cancelled' });
    expect(await client.experimental.tasks.getTask(taskId)).toMatchObject({ status: 'cancelled' });
    await stream.return(undefined);
  });
});
