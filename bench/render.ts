import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Document } from '@gltf-transform/core';
import sharp from 'sharp';
import { z } from 'zod';
import { createIO } from '../src/glb/load.js';

/**
 * Draws and inspects a model of a million triangles with three 2048 × 2048 textures, each in a fresh process and
 * through the built worker, as the server does. Bars: 3 s and 450 MB for the picture.
 *
 * Run with `npm run build && npx tsx bench/render.ts`.
 */

const WORKER = fileURLToPath(new URL('../dist/glb-worker.js', import.meta.url));
const RUNS = 3;
/** Segments around and along; two triangles each. */
const SEGMENTS = 708;
const TEXTURE = 2048;

/** What a child process runs; it prints its own measurements. */
const CHILD = `
const { Worker } = require('node:worker_threads');
const [worker, source, name] = process.argv.slice(1);
const start = performance.now();
const thread = new Worker(worker, { workerData: { name, source, options: {} } });
thread.once('message', async (message) => {
  if (message.type !== 'done') throw new Error(message.message);
  const { image } = message.value;
  const taskMs = performance.now() - start;
  await thread.terminate();
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const { user, system } = process.cpuUsage();
  process.stdout.write(JSON.stringify({ taskMs, peakMb, cpuMs: (user + system) / 1e3, bytes: image?.length ?? 0 }));
});
`;

const measurement = z.object({
  taskMs: z.number(),
  cpuMs: z.number(),
  peakMb: z.number(),
  bytes: z.number(),
});

async function measure(
  name: 'render' | 'inspect',
  file: string,
): Promise<z.infer<typeof measurement> & { wallMs: number }> {
  const start = performance.now();
  const args = ['--eval', CHILD, WORKER, file, name];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return { ...measurement.parse(JSON.parse(stdout)), wallMs: performance.now() - start };
}

/** A ball with bumps, so that triangles are of all sizes and every pixel has work to do. */
async function millionTriangles(): Promise<Uint8Array> {
  const document = new Document();
  const buffer = document.createBuffer();
  const side = SEGMENTS + 1;
  const positions = new Float32Array(3 * side * side);
  const normals = new Float32Array(3 * side * side);
  const uvs = new Float32Array(2 * side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = row * side + column;
      const [u, v] = [column / SEGMENTS, row / SEGMENTS];
      const [theta, phi] = [u * 2 * Math.PI, v * Math.PI];
      const direction = [Math.sin(phi) * Math.cos(theta), Math.cos(phi), Math.sin(phi) * Math.sin(theta)];
      const radius = 0.5 + 0.04 * Math.sin(11 * theta) * Math.sin(9 * phi);
      positions.set(
        direction.map((value) => value * radius),
        3 * at,
      );
      normals.set(direction, 3 * at);
      uvs.set([u, v], 2 * at);
    }
  }
  const indices = new Uint32Array(6 * SEGMENTS * SEGMENTS);
  for (let row = 0, at = 0; row < SEGMENTS; row++) {
    for (let column = 0; column < SEGMENTS; column++, at += 6) {
      const corner = row * side + column;
      indices.set([corner, corner + 1, corner + side, corner + side, corner + 1, corner + side + 1], at);
    }
  }
  const accessor = (
    type: 'SCALAR' | 'VEC2' | 'VEC3',
    array: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  ) => document.createAccessor().setType(type).setArray(array).setBuffer(buffer);
  const texture = async (seed: number) =>
    document
      .createTexture(`texture ${seed}`)
      .setMimeType('image/jpeg')
      .setImage(await noise(seed));
  const material = document
    .createMaterial('skin')
    .setBaseColorTexture(await texture(1))
    .setMetallicRoughnessTexture(await texture(2))
    .setNormalTexture(await texture(3));
  const primitive = document
    .createPrimitive()
    .setMaterial(material)
    .setAttribute('POSITION', accessor('VEC3', positions))
    .setAttribute('NORMAL', accessor('VEC3', normals))
    .setAttribute('TEXCOORD_0', accessor('VEC2', uvs))
    .setIndices(accessor('SCALAR', indices));
  document
    .createScene()
    .addChild(document.createNode('ball').setMesh(document.createMesh().addPrimitive(primitive)));
  return createIO().writeBinary(document);
}

/** Soft colour noise around what the slot expects: data that neither compresses to nothing nor looks broken. */
async function noise(seed: number): Promise<Uint8Array<ArrayBuffer>> {
  const data = new Uint8ClampedArray(3 * TEXTURE * TEXTURE);
  const middle = seed === 3 ? [128, 128, 240] : seed === 2 ? [255, 150, 40] : [190, 120, 70];
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const wave = 20 * Math.sin(((i / 3) % TEXTURE) / (15 + seed)) * Math.sin(i / (3 * TEXTURE) / 21);
    data[i] = (middle[i % 3] ?? 128) + wave + (state >>> 28);
  }
  const image = sharp(data, { raw: { width: TEXTURE, height: TEXTURE, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality: 90 }).toBuffer());
}

export async function benchRender(): Promise<void> {
  if (!existsSync(WORKER)) throw new Error(`There is no ${WORKER}: run "npm run build" first.`);
  const folder = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-'));
  try {
    const file = path.join(folder, 'million.glb');
    await writeFile(file, await millionTriangles());
    const { size } = await stat(file);
    process.stdout.write(
      `${2 * SEGMENTS * SEGMENTS} triangles, three ${TEXTURE}² textures, ${(size / 1e6).toFixed(1)} MB\n`,
    );
    for (const name of ['render', 'inspect'] as const) {
      for (let run = 0; run < RUNS; run++) {
        const { wallMs, taskMs, cpuMs, peakMb, bytes } = await measure(name, file);
        const picture = bytes > 0 ? `, picture ${Math.round(bytes / 1000)} kB` : '';
        process.stdout.write(
          `${name.padEnd(7)} wall ${wallMs.toFixed(0)} ms (worker ${taskMs.toFixed(0)} ms, CPU ${cpuMs.toFixed(0)} ms), peak RSS ${peakMb.toFixed(0)} MB${picture}\n`,
        );
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchRender();
