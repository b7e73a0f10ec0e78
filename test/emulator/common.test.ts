import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect } from 'node:net';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createClock } from './common/clock.js';
import { cubeGlb } from './common/fixtures/glb.js';
import { fixtureOf } from './common/fixtures/named.js';
import { Journal } from './common/journal.js';
import { watchOutbound } from './common/outbound.js';
import { startFalEmulator } from './fal.js';
import { emulator, get, submit } from './support.js';

describe('the clock', () => {
  it('fires in order of time, also what is set while it moves', () => {
    const clock = createClock('virtual', 0);
    const fired: [string, number][] = [];
    const note = (name: string) => (time: number) => fired.push([name, time]);
    clock.at(300, note('c'));
    clock.at(100, (time) => {
      note('a')(time);
      clock.at(time + 50, note('b'));
    });
    clock.at(100, note('a again'));
    const cancel = clock.at(120, note('cancelled'));
    clock.at(Infinity, note('never'));
    cancel();
    clock.advance(250);
    expect(fired).toEqual([
      ['a', 100],
      ['a again', 100],
      ['b', 150],
    ]);
    expect(clock.now()).toBe(250);
    clock.advance(50);
    expect(fired.at(-1)).toEqual(['c', 300]);
  });

  it('keeps a thousand timers in order', () => {
    const clock = createClock('virtual', 0);
    const fired: number[] = [];
    const times = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1009);
    for (const time of times) clock.at(time, () => fired.push(time));
    clock.advance(1009);
    expect(fired).toEqual(times.toSorted((a, b) => a - b));
  });

  it('runs by itself on real time, and can be pushed', async () => {
    const clock = createClock('real');
    await new Promise<void>((resolve) => clock.at(clock.now() + 5, () => resolve()));
    const hour = new Promise<void>((resolve) => clock.at(clock.now() + 3_600_000, () => resolve()));
    clock.advance(3_600_000);
    await hour;
    expect(clock.now()).toBeGreaterThanOrEqual(Date.now() + 3_599_000);
    clock.stop();
  });

  it('runs at any rate', async () => {
    const clock = createClock(100_000, 0);
    await new Promise<void>((resolve) => clock.at(600_000, () => resolve()));
    expect(clock.now()).toBeGreaterThanOrEqual(600_000);
    clock.stop();
  });
});

describe('fixtures', () => {
  const inspect = async (glb: Buffer): Promise<unknown> => {
    const { default: validator } = await import('gltf-validator');
    return validator.validateBytes(new Uint8Array(glb));
  };

  it.each(['white', 'textured', 'pbr'] as const)('a %s cube is valid glTF', async (material) => {
    expect(await inspect(cubeGlb({ material }))).toMatchObject({
      issues: { numErrors: 0, numWarnings: 0 },
      info: { totalVertexCount: 24, totalTriangleCount: 12, hasTextures: material !== 'white' },
    });
  });

  it('a cube can be made as large as a test needs', async () => {
    const glb = cubeGlb({ material: 'textured', bytes: 2_000_000 });
    expect(glb.length).toBe(2_000_000);
    expect(await inspect(glb)).toMatchObject({ issues: { numErrors: 0 } });
  });

  it('archives hold the mesh, its material and its texture', async () => {
    const files = unzipSync(fixtureOf('obj-zip'));
    expect(Object.keys(files).toSorted()).toEqual(['material.mtl', 'mesh.obj', 'texture.png']);
    const obj = Buffer.from(files['mesh.obj'] ?? []).toString();
    expect([obj.match(/^v /gm)?.length, obj.match(/^f /gm)?.length]).toEqual([24, 12]);
    expect(Object.keys(unzipSync(fixtureOf('texture-zip')))).not.toContain('mesh.obj');
    expect(await sharp(files['texture.png']).metadata()).toMatchObject({ format: 'png', width: 16 });
  });

  it('other formats begin as theirs do', async () => {
    expect(fixtureOf('fbx').toString('latin1', 0, 18)).toBe('Kaydara FBX Binary');
    expect(fixtureOf('stl').length).toBe(84 + 12 * 50);
    expect(fixtureOf('stl').readUInt32LE(80)).toBe(12);
    expect(Object.keys(unzipSync(fixtureOf('usdz')))).toEqual(['model.usda']);
    expect(await sharp(fixtureOf('webp')).metadata()).toMatchObject({ format: 'webp', width: 1 });
  });
});

describe('the journal', () => {
  it('keeps the latest entries and exact counts', async () => {
    const fal = await emulator({ journalLimit: 5 });
    const job = await submit(fal);
    for (let i = 0; i < 20; i++) await get(job.status_url);
    expect(fal.journal.entries()).toHaveLength(5);
    expect(fal.journal.entries().at(-1)?.n).toBe(21);
    expect(fal.journal.count('queue', 'status')).toBe(20);
    expect(fal.journal.count('queue')).toBe(21);
  });

  it('can keep counts only', () => {
    const journal = new Journal(0);
    expect(journal.keeps).toBe(false);
    expect(journal.entries()).toEqual([]);
  });

  it('tells a client that went away', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    const abort = new AbortController();
    const stream = await fetch(`${job.status_url}/stream`, {
      headers: { authorization: 'Key emulator-key-id:emulator-key-secret' },
      signal: abort.signal,
    });
    expect(stream.status).toBe(200);
    abort.abort();
    await expect
      .poll(() => fal.journal.entries({ op: 'stream' })[0]?.outcome, { interval: 5, timeout: 10_000 })
      .toBe('client-gone');
    expect(fal.jobs.get(job.request_id)?.watchers.size).toBe(0);
  });
});

describe('outbound connections', () => {
  it('are noticed whatever opens them, loopback excepted', async () => {
    const fal = await emulator();
    const watch = watchOutbound();
    // An address set aside for documentation: nothing answers there.
    const aborted = AbortSignal.timeout(20);
    await Promise.allSettled([fetch('http://192.0.2.1/', { signal: aborted }), fetch(fal.urls.queue)]);
    const viaHttp = request('http://192.0.2.2/').on('error', () => undefined);
    viaHttp.end();
    const viaNet = connect({ host: '192.0.2.3', port: 80 }).on('error', () => undefined);
    await expect
      .poll(() => new Set(watch.attempts))
      .toEqual(new Set(['192.0.2.1', '192.0.2.2', '192.0.2.3']));
    viaHttp.destroy();
    viaNet.destroy();
    watch.stop();
  });
});

describe('starting', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is refused in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await expect(startFalEmulator()).rejects.toThrow(/does not start when NODE_ENV is production/);
  });

  it.each([
    ['fal', 'MESHWRIGHT_FAL_QUEUE_URL', 'queue', '/fal-ai/triposr'],
    ['pixazo', 'MESHWRIGHT_PIXAZO_URL', 'gateway', '/pixal3d/v1/pixal3d-request'],
    ['scenario', 'MESHWRIGHT_SCENARIO_URL', 'api', '/generate/custom/model_pixal3d'],
  ])('works as a process of its own: %s', async (name, variable, role, path) => {
    const child = spawn(process.execPath, [
      '--import',
      'tsx',
      'test/emulator/main.ts',
      name,
      '--clock',
      'virtual',
    ]);
    let complaints = '';
    child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(`exit ${code ?? signal}${complaints}`));
    });
    const line = await Promise.race([
      ended,
      new Promise<string>((resolve) => {
        child.stdout.once('data', (text: Buffer) => resolve(text.toString()));
      }),
    ]);
    expect(line.startsWith(`{"emulator":"${name}"`)).toBe(true);
    const started = z
      .object({ urls: z.record(z.string(), z.string()), environment: z.record(z.string(), z.string()) })
      .parse(JSON.parse(line));
    expect(started.environment[variable]).toBe(started.urls[role]);
    const refused = await fetch(`${started.urls[role]}${path}`, { method: 'POST' });
    expect(refused.status).toBe(401);
    child.kill('SIGTERM');
    expect(await ended).toBe('exit 0');
  });
});
