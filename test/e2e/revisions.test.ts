import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import { openStore } from '../../src/store/index.js';
import { aJob } from '../store/support/rows.js';
import { CLI, connect, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';
import { RawPeer } from '../support/raw-peer.js';

/** Revisions of the protocol that no client library speaks by itself any more, and first messages that none sends. */

let folder: string;
let made: unknown;
const closers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  folder = await temporaryFolder();
  const client = await connect('v1', serverEnv(path.join(folder, 'data')));
  const image = dataUri(await ballPng(4));
  made = (await client.call('local_image_to_3d', { image_url: image, target_triangles: 4000 })).structured;
  await client.close();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => removeFolder(folder));

const INFO = { name: 'raw', version: '0' };

/** @param meta what every request carries in `_meta` */
async function peer(meta: object): Promise<{ raw: RawPeer; heard: JSONRPCMessage[] }> {
  const heard: JSONRPCMessage[] = [];
  const env = serverEnv(path.join(folder, 'data'));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI],
    env,
    stderr: 'ignore',
  });
  Object.assign(transport, { onmessage: (message: JSONRPCMessage) => heard.push(message) });
  const raw = new RawPeer(transport, meta);
  await raw.start();
  closers.push(() => raw.close());
  return { raw, heard };
}

const blocks = ({ content }: JsonObject): JsonObject[] =>
  Array.isArray(content) ? content.filter((block): block is JsonObject => isRecord(block)) : [];

describe.each(['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
  'the revision %s',
  (revision) => {
    it('is agreed on, lists the tools, runs one, and shows the file of a job in a way that it knows', async () => {
      const { raw } = await peer({});
      const agreed = await raw.result('initialize', {
        protocolVersion: revision,
        capabilities: {},
        clientInfo: INFO,
      });
      expect(agreed).toMatchObject({ protocolVersion: revision, serverInfo: { name: 'meshwright' } });
      const { tools } = await raw.result('tools/list', {});
      expect(tools).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: 'list_models', inputSchema: expect.anything() }),
        ]),
      );
      const catalogue = await raw.result('tools/call', { name: 'list_models', arguments: {} });
      expect(catalogue['isError']).toBeUndefined();
      expect(blocks(catalogue)).toEqual([
        { type: 'text', text: expect.stringContaining('local_image_to_3d') },
      ]);

      const jobId = isRecord(made) ? made['job_id'] : undefined;
      const job = await raw.result('tools/call', { name: 'get_job', arguments: { job_id: jobId } });
      const [first, file, ...more] = blocks(job);
      expect(more).toEqual([]);
      const uri = /meshwright:\/\/assets\/asset_[0-9a-z]{26}/.exec(JSON.stringify(first))?.[0];
      expect(uri).toBeDefined();
      expect(first).toMatchObject({ type: 'text' });
      if (revision < '2025-06-18') {
        expect(file).toEqual({ type: 'text', text: expect.stringMatching(new RegExp(`${uri}.*GLB`)) });
      } else {
        expect(file).toMatchObject({ type: 'resource_link', uri, mimeType: 'model/gltf-binary' });
      }
    });
  },
);

it('may begin with a request to listen: the client is told of a job that another process changes', async () => {
  const store = openStore(path.join(folder, 'data'));
  closers.push(() => store.close());
  const { jobs } = store;
  // Nobody here has a key of its provider, so nobody else changes it.
  const job = aJob({ principal: 'local', state: 'submitted', operation: {}, dueAt: Date.now() + 3_600_000 });
  await jobs.create(job, undefined);
  const { raw, heard } = await peer({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': INFO,
    'io.modelcontextprotocol/clientCapabilities': {},
  });
  const uri = `meshwright://jobs/${job.id}`;
  raw
    .request('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } })
    .catch(() => undefined);
  const methods = (): unknown[] => heard.map((message) => ('method' in message ? message.method : undefined));
  await expect.poll(methods, { timeout: 20_000 }).toContain('notifications/subscriptions/acknowledged');
  const updates = (): unknown[] =>
    heard.filter((message) => 'method' in message && message.method === 'notifications/resources/updated');
  // The first one says that there is something to read, since nobody knows what the client has read before.
  const told = { params: { uri } };
  await expect.poll(updates, { timeout: 20_000 }).toMatchObject([told]);
  expect(JSON.stringify(await raw.result('resources/read', { uri }))).toContain('Queued');
  await jobs.change(job.id, (row) => ({ job: { ...row, running: true, progress: 0.5, stage: 'meshing' } }));
  await expect.poll(updates, { timeout: 20_000 }).toMatchObject([told, told]);
  expect(JSON.stringify(await raw.result('resources/read', { uri }))).toContain('Meshing, 50 %');
});
