import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpTransportV2,
  type Transport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpTransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JsonObject } from '../../src/json.js';
import { CLI, type ClientKind } from './clients.js';
import { RawPeer } from './raw-peer.js';

/** Calls of tools as tasks, by what each generation of clients has for it. */

const INFO = { name: 'meshwright-tests', version: '0.0.0' };
const REVISION = '2026-07-28';
const DECLARED = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

/** A process of its own with this environment, or the server at this address. */
export type Place = { env: Record<string, string> } | { url: string };

/** Follows a call to its end. @returns the result of the tool; whether it came by a task */
export async function callAsTask(
  kind: ClientKind,
  place: Place,
  name: string,
  args: JsonObject,
): Promise<{ isTask: boolean; result: unknown }> {
  return kind === 'v1' ? callV1(place, name, args) : callV2(kind, place, name, args);
}

function stdio(env: Record<string, string>): ConstructorParameters<typeof TransportV2>[0] {
  return { command: process.execPath, args: [CLI], env, stderr: 'ignore' };
}

async function callV1(
  place: Place,
  name: string,
  args: JsonObject,
): Promise<{ isTask: boolean; result: unknown }> {
  const client = new ClientV1(INFO, { capabilities: {} });
  await client.connect(
    'env' in place ? new TransportV1(stdio(place.env)) : new HttpTransportV1(new URL(place.url)),
  );
  let isTask = false;
  let result: unknown;
  const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, { task: {} });
  for await (const message of stream) {
    if (message.type === 'taskCreated') isTask = true;
    if (message.type === 'error') throw message.error;
    if (message.type === 'result') result = message.result;
  }
  await client.close();
  return { isTask, result };
}

async function callV2(
  kind: Exclude<ClientKind, 'v1'>,
  place: Place,
  name: string,
  args: JsonObject,
): Promise<{ isTask: boolean; result: unknown }> {
  const isLegacy = kind === 'v2 legacy';
  const mode = isLegacy ? 'legacy' : kind === 'v2 auto' ? 'auto' : { pin: REVISION };
  const client = new ClientV2(INFO, {
    capabilities: isLegacy ? {} : DECLARED,
    versionNegotiation: { mode },
  });
  const transport: Transport =
    'env' in place ? new TransportV2(stdio(place.env)) : new HttpTransportV2(new URL(place.url));
  await client.connect(transport);
  const raw = RawPeer.beside(transport);
  const session = createTaskSessionFromClient(client, {
    endpointId: 'test',
    ...(isLegacy
      ? {}
      : {
          rawDispatch: (request: unknown) => raw.dispatch(request),
          v2RequestFraming: { protocolVersion: REVISION, clientInfo: INFO, clientCapabilities: DECLARED },
        }),
  });
  const execution = await session.callTool(name, args, { task: { preference: 'prefer' } });
  const { outcome } = await execution.settle();
  const result = resultFromTaskOutcome(outcome);
  await session.close();
  await client.close();
  return { isTask: execution.kind === 'task', result };
}
