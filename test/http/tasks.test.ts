import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpServer } from '../../src/http.js';
import { isRecord, type JsonObject } from '../../src/json.js';
import { startFixtureServer } from '../conformance/server.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { modern } from '../support/modern.js';

const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

let folder: string;
let server: HttpServer;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startFixtureServer(folder);
});
afterAll(async () => {
  await server.close();
  await removeFolder(folder);
});

async function result(method: string, params: JsonObject): Promise<JsonObject> {
  const { message } = await modern(server.url, method, params, { capabilities });
  expect(message).toHaveProperty('result');
  const { result: found } = message;
  return isRecord(found) ? found : {};
}

const begin = async (name: string): Promise<JsonObject> => result('tools/call', { name, arguments: {} });

async function settled({ taskId = null }: JsonObject): Promise<JsonObject> {
  let task: JsonObject = {};
  await expect
    .poll(async () => (task = await result('tasks/get', { taskId }))['status'], { timeout: 10_000 })
    .not.toBe('working');
  return task;
}

describe('a task over HTTP that asks', () => {
  it('names its questions, keeps those that are open, and goes on once all are answered', async () => {
    const { taskId = null } = await begin('multi_input');
    expect(await result('tasks/get', { taskId })).toMatchObject({
      status: 'input_required',
      inputRequests: { first: { method: 'elicitation/create' }, second: { method: 'elicitation/create' } },
    });
    const yes = { action: 'accept', content: { confirm: true } };
    await result('tasks/update', { taskId, inputResponses: { first: yes, third: yes } });
    const { inputRequests } = await result('tasks/get', { taskId });
    expect(Object.keys(inputRequests ?? {})).toEqual(['second']);
    await result('tasks/update', { taskId, inputResponses: { second: yes } });
    const task = await settled({ taskId });
    expect(task).toMatchObject({ status: 'completed', result: { resultType: 'complete' } });
    expect(task).not.toHaveProperty('inputRequests');
  });
});

describe('a task over HTTP that does not go well', () => {
  it('is completed with an error of its tool', async () => {
    const task = await settled(await begin('failing_job'));
    expect(task).toMatchObject({ status: 'completed', result: { isError: true } });
    expect(task).not.toHaveProperty('error');
  });

  it('has failed only when the protocol has an error', async () => {
    const task = await settled(await begin('protocol_error_job'));
    expect(task).toMatchObject({ status: 'failed', error: { code: -32603 } });
    expect(task).not.toHaveProperty('result');
  });
});
