import { MeshwrightError } from '../errors.js';
import { adviceOn } from './advice.js';
import { silhouetteFit } from './fit.js';
import type { Shot } from './outlines.js';
import { paletteOf, paletteOverlap } from './palette.js';
import { buildShape } from './shape.js';
import { takeShot } from './shot.js';
import { texture } from './texture.js';
import type { GenerateInput, GenerateOutput, Report } from './types.js';

/**
 * One to five orthographic pictures in, one textured GLB out: cut out, shape, texture, check. Deterministic; no
 * network, no weights.
 *
 * @throws MeshwrightError `invalid_image` for a picture that cannot be used, `generation_failed` when it leads to no solid
 */
export async function generate(input: GenerateInput, report: Report): Promise<GenerateOutput> {
  const stages = stopwatch(report);
  stages.enter('cut out', 0, 'cutting the object out');
  if (!input.views.some(({ name }) => name === 'front')) {
    throw new MeshwrightError('invalid_arguments', 'A front view is needed: send it in image_url.', {
      field: 'image_url',
    });
  }
  const shots: Shot[] = [];
  // One after the other: a large picture takes much memory while it is decoded.
  for (const { name, image } of input.views) {
    shots.push(await takeShot(name, image, name === 'front' ? input.mask : undefined));
  }

  stages.enter('shape', 0.15, 'building the shape');
  const { shape: kind, depth, targetTriangles, textureSize } = input;
  const shape = await buildShape(shots, { shape: kind, depth, targetTriangles }, stages.within(0.15, 0.5));

  stages.enter('texture', 0.5, 'painting the surface');
  const { mode, reason, mesh } = shape;
  const painted = await texture(mesh, shape.views, { mode, textureSize }, stages.within(0.5, 0.95));

  stages.enter('check', 0.95, 'checking the silhouettes');
  const palettes = shape.views.map(({ pixels, mask }) => paletteOf(pixels, mask));
  const views = shape.views.map((view, at) => ({
    name: view.name,
    mask: view.mask,
    fit: silhouetteFit(mesh, view),
    // The front view is the first.
    colours: paletteOverlap(palettes[0] ?? [], palettes[at] ?? []),
  }));
  const advice = adviceOn({ views, shape, input });
  const timings = stages.finish();
  return {
    glb: painted.glb,
    report: {
      mode,
      reason,
      views: views.map(({ name, mask, fit }) => ({
        name,
        maskMethod: mask.method,
        maskConfidence: mask.confidence,
        silhouetteIou: rounded(fit.iou),
      })),
      unseen: rounded(painted.unseen),
      watertight: shape.watertight,
      parts: shape.parts,
      vertices: painted.vertices,
      triangles: painted.triangles,
      advice,
      timings,
    },
  };
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}

/** Times the stages and passes on their progress. */
function stopwatch(report: Report): {
  enter: (name: string, fraction: number, stage: string) => void;
  within: (from: number, to: number) => Report;
  finish: () => Record<string, number>;
} {
  const timings: Record<string, number> = {};
  let open: { name: string; since: number } | undefined;
  const close = (): void => {
    if (open) timings[open.name] = Math.round(performance.now() - open.since);
  };
  return {
    enter: (name, fraction, stage) => {
      close();
      open = { name, since: performance.now() };
      report({ fraction, stage });
    },
    within: (from, to) => (progress) =>
      report({ fraction: from + (to - from) * progress.fraction, stage: progress.stage }),
    finish: () => {
      close();
      report({ fraction: 1, stage: 'done' });
      return timings;
    },
  };
}
