import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Logger, NodeIO } from '@gltf-transform/core';
import { generate } from '../src/engine/generate.js';
import { topologyOf } from '../src/engine/topology.js';
import type { GenerateInput, GenerateReport } from '../src/engine/types.js';
import { validate } from '../src/glb/validate.js';
import { sets, solids } from './solids/index.js';
import type { PictureOptions, Side } from './solids/picture.js';
import { pictureFile } from './solids/picture.js';
import type { Solid } from './solids/sdf.js';
import type { Triangles } from './solids/volume.js';
import { volumeIou } from './solids/volume.js';

/**
 * Measures the local generator on solids whose inside is known exactly: pictures are rendered, run through the whole
 * generator, and the GLB is held against the solid.
 *
 *   npx tsx scripts/eval.ts                            front alone, then front and left
 *   npx tsx scripts/eval.ts --views front,left,top --set held --background white --out out/eval
 */

const HELP = `Options:
  --views front,left   views to send; may be given several times (default: front, and front,left)
  --set dev|held|third solids to take (default: all), or --only NAME,NAME
  --size 512           pixels of the pictures
  --background transparent|white|studio
  --texture 2048       pixels of the texture
  --out DIR            keep pictures and GLBs there
`;

interface Row {
  name: string;
  volume: number;
  silhouette: number;
  watertight: boolean;
  errors: number;
  triangles: number;
  ms: number;
  mode: string;
}

const sides: readonly Side[] = ['front', 'left', 'back', 'right', 'top'];
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    views: { type: 'string', multiple: true },
    set: { type: 'string' },
    only: { type: 'string' },
    size: { type: 'string', default: '512' },
    background: { type: 'string', default: 'transparent' },
    texture: { type: 'string', default: '2048' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) print(HELP);
else await main();

async function main(): Promise<void> {
  const options: PictureOptions = { size: Number(values.size), background: backgroundOf(values.background) };
  for (const views of values.views ?? ['front', 'front,left']) {
    const wanted = sides.filter((side) => views.split(',').includes(side));
    print(`\n${wanted.join(' + ')}, ${options.size} px, ${options.background}`);
    print('object      mode      volume IoU  front IoU  closed  errors  triangles     ms');
    const rows: Row[] = [];
    for (const solid of chosen()) {
      const row = await evaluate(solid, wanted, options);
      rows.push(row);
      print(lineOf(row));
    }
    print(summary(rows));
  }
}

function chosen(): readonly Solid[] {
  const { set, only } = values;
  if (only) return solids.filter(({ name }) => only.split(',').includes(name));
  if (set === 'dev' || set === 'held' || set === 'third') return sets[set];
  return solids;
}

function backgroundOf(name: string): PictureOptions['background'] {
  if (name === 'white' || name === 'studio') return name;
  return 'transparent';
}

async function evaluate(solid: Solid, views: readonly Side[], options: PictureOptions): Promise<Row> {
  const pictures: GenerateInput['views'] = [];
  for (const name of views) pictures.push({ name, image: await cached(solid, name, options) });
  const started = performance.now();
  const { glb, report } = await generate(
    {
      views: pictures,
      shape: 'auto',
      targetTriangles: 20_000,
      textureSize: values.texture === '1024' ? 1024 : 2048,
    },
    () => undefined,
  );
  const ms = performance.now() - started;
  if (values.out) {
    await mkdir(values.out, { recursive: true });
    const name = `${solid.name}-${views.join('-')}`;
    await writeFile(path.join(values.out, `${name}.glb`), glb);
    for (const { name: side, image } of pictures)
      await writeFile(path.join(values.out, `${solid.name}-${side}.png`), image);
  }
  const mesh = await trianglesOf(glb);
  const { errors } = await validate(glb);
  return {
    name: solid.name,
    volume: volumeIou(solid, mesh),
    silhouette: frontOf(report),
    watertight: isClosed(mesh) && report.watertight,
    errors,
    triangles: mesh.indices.length / 3,
    ms,
    mode: report.mode,
  };
}

function frontOf(report: GenerateReport): number {
  return report.views.find(({ name }) => name === 'front')?.silhouetteIou ?? 0;
}

/** Pictures are kept between runs, until one of the files they are made by changes. */
async function cached(solid: Solid, side: Side, options: PictureOptions): Promise<Uint8Array> {
  const { size, background } = options;
  const folder = path.join('node_modules', '.cache', 'meshwright-eval', await sourcesHash());
  const file = path.join(folder, `${solid.name}-${side}-${size}-${background}.png`);
  try {
    return await readFile(file);
  } catch {
    const image = await pictureFile(solid, side, options);
    await mkdir(folder, { recursive: true });
    await writeFile(file, image);
    return image;
  }
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256');
  const folder = path.join(import.meta.dirname, 'solids');
  for (const name of (await readdir(folder)).toSorted()) hash.update(await readFile(path.join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

/** All triangles of a GLB, vertices at the same place taken as one. */
async function trianglesOf(glb: Uint8Array): Promise<Triangles> {
  const document = await new NodeIO().setLogger(new Logger(Logger.Verbosity.SILENT)).readBinary(glb);
  const places = new Map<string, number>();
  const positions: number[] = [];
  const indices: number[] = [];
  for (const mesh of document.getRoot().listMeshes()) {
    for (const primitive of mesh.listPrimitives()) {
      const points = primitive.getAttribute('POSITION')?.getArray() ?? [];
      for (const vertex of primitive.getIndices()?.getArray() ?? []) {
        const place = [points[3 * vertex] ?? 0, points[3 * vertex + 1] ?? 0, points[3 * vertex + 2] ?? 0];
        const key = place.join();
        let index = places.get(key);
        if (index === undefined) {
          index = places.size;
          places.set(key, index);
          positions.push(...place);
        }
        indices.push(index);
      }
    }
  }
  return { positions, indices };
}

function isClosed({ positions, indices }: Triangles): boolean {
  const { watertight, bad } = topologyOf(Uint32Array.from(Array.from(indices)), positions.length / 3);
  return watertight && bad.length === 0;
}

function lineOf({ name, mode, volume, silhouette, watertight, errors, triangles, ms }: Row): string {
  return [
    name.padEnd(11),
    mode.padEnd(9),
    volume.toFixed(3).padStart(10),
    silhouette.toFixed(3).padStart(10),
    (watertight ? 'yes' : 'NO').padStart(7),
    String(errors).padStart(7),
    String(triangles).padStart(10),
    ms.toFixed(0).padStart(6),
  ].join(' ');
}

function summary(rows: readonly Row[]): string {
  const mean = (pick: (row: Row) => number, of = rows): number =>
    of.reduce((sum, row) => sum + pick(row), 0) / Math.max(1, of.length);
  const perSet = Object.entries(sets)
    .map(([name, members]) => ({
      name,
      of: rows.filter((row) => members.some((solid) => solid.name === row.name)),
    }))
    .filter(({ of }) => of.length > 0)
    .map(({ name, of }) => `${name} ${mean((row) => row.volume, of).toFixed(3)}`);
  return [
    `mean volume IoU ${mean((row) => row.volume).toFixed(3)} (${perSet.join(', ')}), front silhouette ${mean((row) => row.silhouette).toFixed(3)}`,
    `closed ${rows.filter((row) => row.watertight).length} of ${rows.length}, validator errors ${rows.reduce((sum, row) => sum + row.errors, 0)}, mean ${mean((row) => row.ms).toFixed(0)} ms`,
  ].join('\n');
}
