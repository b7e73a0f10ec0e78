import { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import {
  CLIENT_KINDS,
  connect,
  connectHttp,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type Progress,
  type TestClient,
} from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';

const CASES = (['stdio', 'HTTP'] as const).flatMap((over) =>
  CLIENT_KINDS.map((kind) => [over, kind] as const),
);

/** The main job, over both transports and with every generation of client: list, generate, read, look, cancel. */
describe.each(CASES)('over %s with the client %s', (over, kind) => {
  let folder: string;
  let client: TestClient;
  let server: HttpProcess | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
    const env = serverEnv(path.join(folder, 'data'), { MESHWRIGHT_ALLOWED_DIRS: folder });
    server = over === 'HTTP' ? await startHttpProcess(env) : undefined;
    client = server ? await connectHttp(kind, `${server.origin}/mcp`) : await connect(kind, env);
  });
  afterEach(async () => {
    await client.close();
    await server?.stop();
    await removeFolder(folder);
  });

  /** Closing the stream is how they cancel, and that ends the waiting only. */
  const cannotCancel = over === 'HTTP' && (kind === 'v2 auto' || kind === 'v2 modern');

  it('makes a GLB that the agent can follow, read, look at and save', async () => {
    const tools = await client.listTools();
    expect(tools[0]?.name).toBe('list_models');
    expect(tools.map(({ name }) => name)).toContain('local_image_to_3d');

    const seen: Progress[] = [];
    const image = await ballPng(1);
    const result = await client.call(
      'local_image_to_3d',
      { image_url: dataUri(image), target_triangles: '4000', texture_size: 1024 },
      { onprogress: (progress) => seen.push(progress) },
    );
    expect(result.isError, result.text).toBe(false);
    expect(result.structured).toMatchObject({
      status: 'succeeded',
      tool: 'local_image_to_3d',
      provider: 'local',
      progress: 1,
      cost_usd: { estimate: 0, billed: 0 },
    });
    expect(JSON.parse(result.content[0]?.['text']?.toString() ?? '')).toEqual(result.structured);
    expect(seen.length).toBeGreaterThan(2);
    seen.reduce((last, { progress }) => {
      expect(progress).toBeGreaterThan(last);
      return progress;
    }, -1);
    expect(seen.some(({ message }) => /\d s/.test(message ?? ''))).toBe(true);

    const assets = result.structured?.['assets'];
    const asset = Array.isArray(assets) && isRecord(assets[0]) ? assets[0] : {};
    expect(asset).toMatchObject({ role: 'model', format: 'glb', mime_type: 'model/gltf-binary' });
    const link = result.content.find(({ type }) => type === 'resource_link');
    expect(link).toMatchObject({
      uri: asset['uri'],
      mimeType: 'model/gltf-binary',
      size: asset['size_bytes'],
    });

    const [contents] = await client.read(String(asset['uri']));
    const bytes = Buffer.from(contents?.blob ?? '', 'base64');
    expect(bytes.toString('latin1', 0, 4)).toBe('glTF');
    expect(bytes.byteLength).toBe(asset['size_bytes']);
    if (over === 'stdio') expect(await readFile(String(asset['path']))).toEqual(bytes);
    else {
      expect(asset['path']).toBeUndefined();
      const download = await fetch(String(asset['url']));
      expect(Buffer.from(await download.arrayBuffer())).toEqual(bytes);
    }

    const inspected = await client.call('inspect_asset', { asset_id: asset['uri'] });
    expect(inspected.structured).toMatchObject({ asset_id: asset['asset_id'], watertight: true });

    const picture = await client.call('view_asset', { asset_id: asset['asset_id'] });
    expect(picture.content).toHaveLength(1);
    expect(picture.content[0]).toMatchObject({ type: 'image' });
    expect(picture.structured).toBeUndefined();
    expect(Buffer.from(String(picture.content[0]?.['data']), 'base64').byteLength).toBeLessThanOrEqual(
      200 * 1024,
    );

    const target = path.join(folder, 'ball.glb');
    const saved = await client.call('save_asset', { asset_id: asset['asset_id'], path: target });
    expect(saved.structured).toEqual({ path: target, size_bytes: bytes.byteLength });
    expect(await readFile(target)).toEqual(bytes);
    const again = await client.call('save_asset', { asset_id: asset['asset_id'], path: target });
    expect(again.isError).toBe(true);
    expect(again.text).toMatch(/overwrite/);
  });

  it('hands out the job when the time is over, and wait_for_job brings the rest', async () => {
    const started = await client.call('local_image_to_3d', {
      image_url: dataUri(await ballPng(2)),
      wait_seconds: 0,
    });
    expect(started.isError).toBe(false);
    expect(['queued', 'running']).toContain(started.structured?.['status']);
    expect(started.structured?.['next']).toMatch(/wait_for_job/);
    const jobId = String(started.structured?.['job_id']);

    const updates: string[] = [];
    await client.subscribe(`meshwright://jobs/${jobId}`, (uri) => updates.push(uri));
    const same = await client.call('local_image_to_3d', {
      image_url: dataUri(await ballPng(2)),
      wait_seconds: 0,
    });
    expect(same.structured).toMatchObject({ job_id: jobId, deduplicated: true });

    const done = await client.call('wait_for_job', { job_id: jobId, wait_seconds: 50 });
    expect(done.structured).toMatchObject({ status: 'succeeded', job_id: jobId });
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    expect(new Set(updates)).toEqual(new Set([`meshwright://jobs/${jobId}`]));

    const listed = await client.call('list_jobs', { status: 'succeeded' });
    expect(listed.structured?.['jobs']).toMatchObject([{ job_id: jobId }]);
    const fresh = await client.call('local_image_to_3d', {
      image_url: dataUri(await ballPng(2)),
      wait_seconds: 0,
      force_new: true,
    });
    expect(fresh.structured?.['job_id']).not.toBe(jobId);
    const cancelled = await client.call('cancel_job', { job_id: fresh.structured?.['job_id'] });
    expect(cancelled.isError).toBe(false);
    expect(['cancelled', 'succeeded']).toContain(cancelled.structured?.['status']);
  });

  it('cancels the job when its user cancels the call, and lets it go on when the client times out', async () => {
    const stop = new AbortController();
    const call = client.call(
      'local_image_to_3d',
      { image_url: dataUri(await ballPng(3)) },
      { signal: stop.signal, onprogress: () => stop.abort('the user said stop') },
    );
    await expect(call).rejects.toThrow();
    const status = async (): Promise<unknown> => {
      const jobs = (await client.call('list_jobs', {})).structured?.['jobs'];
      return Array.isArray(jobs) && isRecord(jobs[0]) ? jobs[0]['status'] : undefined;
    };
    await expect.poll(status, { timeout: 50_000 }).toBe(cannotCancel ? 'succeeded' : 'cancelled');

    const late = client.call('local_image_to_3d', { image_url: dataUri(await ballPng(4)) }, { timeout: 150 });
    await expect(late).rejects.toThrow(/time/i);
    await expect.poll(status, { timeout: 50_000 }).toBe('succeeded');
  });

  it('lists, completes and reads resources, and says what is not there', async () => {
    const result = await client.call('local_image_to_3d', {
      image_url: dataUri(await ballPng(5)),
      texture_size: 1024,
    });
    const jobId = String(result.structured?.['job_id']);
    const uris = (await client.resources()).map(({ uri }) => uri);
    expect(uris[0]).toBe('meshwright://models');
    expect(uris[1]).toMatch(/^meshwright:\/\/assets\/asset_/);
    const templates = (await client.templates()).map(({ uriTemplate }) => uriTemplate);
    expect(templates).toContain('meshwright://jobs/{job_id}');
    expect(await client.complete('meshwright://jobs/{job_id}', 'job_id', jobId.slice(0, 8))).toContain(jobId);

    const [models] = await client.read('meshwright://models');
    expect(JSON.parse(models?.text ?? '')).toMatchObject({
      models: expect.arrayContaining([expect.objectContaining({ tool: 'local_image_to_3d' })]),
    });
    const [job] = await client.read(`meshwright://jobs/${jobId}`);
    expect(JSON.parse(job?.text ?? '')).toMatchObject({ job_id: jobId, status: 'succeeded' });
    const [info] = await client.read(`${uris[1]}/info`);
    expect(JSON.parse(info?.text ?? '')).toMatchObject({ watertight: true });
    const [part] = await client.read(`${uris[1]}/parts/0`);
    expect(Buffer.from(part?.blob ?? '', 'base64').toString('latin1', 0, 4)).toBe('glTF');

    await expect(client.read('meshwright://jobs/job_nothere')).rejects.toThrow(/no job|not found/i);
    await expect(client.read('meshwright://assets/../../etc/passwd')).rejects.toThrow();
    await expect(client.read(`${uris[1]}/parts/9`)).rejects.toThrow(/parts/);
    await expect(client.call('no_such_tool', {})).rejects.toThrow(/no tool no_such_tool/);
  });

  it('tells an agent how to work with it in under 120 words', () => {
    const words = client.instructions()?.split(/\s+/) ?? [];
    expect(words.length).toBeGreaterThan(20);
    expect(words.length).toBeLessThan(120);
  });
});
