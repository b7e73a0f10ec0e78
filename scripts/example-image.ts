import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

/**
 * Draws `examples/mushroom.png` (front) and `examples/mushroom-left.png`: a toy mushroom as a signed distance
 * field, seen straight on by an orthographic camera under a soft light, on plain ground. Run it with `npx tsx`.
 */

type Vec = readonly [x: number, y: number, z: number];

const WIDTH = 640;
const HEIGHT = 720;
/** Samples per pixel and axis. */
const SAMPLES = 3;
/** Height of the picture in units of the scene; the mushroom is 2 units high. */
const PICTURE_UNITS = 2.3;
const CENTRE_Y = 1;

const GROUND: Vec = [0.2, 0.42, 0.55];
const RED: Vec = [0.62, 0.028, 0.018];
const WHITE: Vec = [0.86, 0.8, 0.68];
const STEM: Vec = [0.8, 0.66, 0.45];
const GILLS: Vec = [0.72, 0.53, 0.33];

const add = (a: Vec, b: Vec): Vec => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const scale = (a: Vec, k: number): Vec => [a[0] * k, a[1] * k, a[2] * k];
const mix = (a: Vec, b: Vec, t: number): Vec => add(scale(a, 1 - t), scale(b, t));
const dot = (a: Vec, b: Vec): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const length = (a: Vec): number => Math.hypot(...a);
const unit = (a: Vec): Vec => scale(a, 1 / length(a));
const clamp = (x: number, low = 0, high = 1): number => Math.min(high, Math.max(low, x));
const ramp = (from: number, to: number, x: number): number => {
  const t = clamp((x - from) / (to - from));
  return t * t * (3 - 2 * t);
};

/** Smooth union, and `a` without `b`, by polynomial blending over the distance `k`. */
const join = (a: number, b: number, k: number): number => {
  const h = clamp(0.5 + (0.5 * (b - a)) / k);
  return b + (a - b) * h - k * h * (1 - h);
};
const cut = (a: number, b: number, k: number): number => -join(-a, b, k);

const CAP_CENTRE: Vec = [0, 1.08, 0];
const CAP_RADIUS = 0.9;

/**
 * Where the spots are: direction from the middle of the cap, and radius. None lies on the outline of a view, where
 * a picture shows too little of it.
 */
const SPOTS: readonly { at: Vec; radius: number }[] = (
  [
    [4, 88, 0.17],
    [28, 34, 0.2],
    [-30, 19, 0.16],
    [-26, 56, 0.12],
    [30, 61, 0.1],
    [60, 17, 0.13],
    [55, 50, 0.13],
    [-56, 42, 0.15],
    [32, 6, 0.09],
    [-62, 12, 0.1],
    [-120, 32, 0.2],
    [-116, 60, 0.12],
    [-150, 16, 0.15],
    [-146, 48, 0.13],
    [-114, 7, 0.09],
    [122, 26, 0.16],
    [140, 58, 0.14],
    [152, 30, 0.17],
    [114, 6, 0.09],
  ] as const
).map(([around, up, radius]) => {
  const [a, b] = [(around * Math.PI) / 180, (up * Math.PI) / 180];
  return { at: unit([Math.sin(a) * Math.cos(b), Math.sin(b), Math.cos(a) * Math.cos(b)]), radius };
});

const fromCap = (p: Vec): Vec => add(p, scale(CAP_CENTRE, -1));

/** 1 inside a spot, 0 outside, with a soft rim. */
function spotted(p: Vec): number {
  const direction = unit(fromCap(p));
  return Math.max(
    ...SPOTS.map(({ at, radius }) => ramp(radius, radius - 0.02, Math.acos(clamp(dot(direction, at), -1)))),
  );
}

function capDistance(p: Vec): number {
  const dome = length(fromCap(p)) - CAP_RADIUS;
  // The underside is hollow: a shallow bowl is taken away.
  const bowl = (Math.hypot(p[0], (p[1] - 0.3) * 1.77, p[2]) - 1.15) * 0.56;
  return cut(dome, bowl, 0.12);
}

function stemDistance(p: Vec): number {
  const around = Math.hypot(p[0], p[2]);
  const radius = 0.25 + 0.2 * (1 - clamp(p[1] / 1.1)) ** 2;
  const body = Math.max((around - radius) * 0.85, p[1] - 1.3);
  const skirt = (Math.hypot(around - 0.29, (p[1] - 0.68) * 1.6) - 0.075) * 0.7;
  // It stands on y = 0, with a rounded foot.
  return cut(join(body, skirt, 0.06), p[1], 0.1);
}

function distance(p: Vec): number {
  return join(capDistance(p), stemDistance(p), 0.04);
}

function normalAt(p: Vec): Vec {
  const e = 0.0015;
  const at = (x: number, y: number, z: number): Vec =>
    scale([x, y, z], distance(add(p, scale([x, y, z], e))));
  return unit(add(add(at(1, -1, -1), at(-1, -1, 1)), add(at(-1, 1, -1), at(1, 1, 1))));
}

function colourAt(p: Vec, normal: Vec): Vec {
  if (capDistance(p) > stemDistance(p)) return mix(STEM, WHITE, ramp(0.1, 0.9, p[1]) * 0.4);
  const outside = dot(normal, unit(fromCap(p)));
  return mix(GILLS, mix(RED, WHITE, spotted(p)), ramp(0.05, 0.3, outside));
}

/** How open the surroundings are: 0 in a corner, 1 in the open. */
function openness(p: Vec, normal: Vec): number {
  let hidden = 0;
  for (let step = 1; step <= 5; step += 1) {
    const away = step * 0.07;
    hidden += (away - distance(add(p, scale(normal, away)))) / 2 ** step;
  }
  return clamp(1 - 3.2 * hidden);
}

function sunlight(p: Vec, sun: Vec): number {
  let light = 1;
  for (let way = 0.03; way < 2.5;) {
    const free = distance(add(p, scale(sun, way)));
    light = Math.min(light, 0.5 + (7 * free) / way);
    if (light <= 0) return 0.35;
    way += clamp(free, 0.02, 0.2);
  }
  return 0.35 + 0.65 * ramp(0, 1, light);
}

interface Camera {
  right: Vec;
  forward: Vec;
}

const CAMERAS: { [file: string]: Camera } = {
  'mushroom.png': { right: [1, 0, 0], forward: [0, 0, -1] },
  // Stands at -X: the front of the object points to the right edge.
  'mushroom-left.png': { right: [0, 0, 1], forward: [1, 0, 0] },
};

function shade(p: Vec, { right, forward }: Camera): Vec {
  const normal = normalAt(p);
  const towards = scale(forward, -1);
  const sun = unit(add(add(scale(right, -0.3), [0, 0.7, 0]), scale(towards, 0.85)));
  const colour = colourAt(p, normal);
  const open = openness(p, normal);
  const direct = clamp(dot(normal, sun)) * sunlight(add(p, scale(normal, 0.01)), sun);
  const sky = (0.5 + 0.5 * normal[1]) * open;
  const bounce = (0.5 - 0.5 * normal[1]) * open;
  const front = clamp(dot(normal, towards)) * open;
  const light = add(
    add(scale([1, 0.93, 0.82], 1.15 * direct), scale([0.78, 0.9, 1], 0.52 * sky)),
    add(scale([1, 0.85, 0.7], 0.34 * bounce), scale([1, 0.97, 0.92], 0.26 * front)),
  );
  const half = unit(add(sun, towards));
  const gloss = 0.16 * clamp(dot(normal, half)) ** 42 * ramp(0, 0.4, direct);
  return add([colour[0] * light[0], colour[1] * light[1], colour[2] * light[2]], [gloss, gloss, gloss]);
}

function look(u: number, v: number, camera: Camera): Vec {
  let p = add(add(scale(camera.right, u), [0, v, 0]), scale(camera.forward, -2));
  for (let way = 0; way < 4;) {
    const free = distance(p);
    if (free < 0.0006) return shade(p, camera);
    way += free * 0.9;
    p = add(p, scale(camera.forward, free * 0.9));
  }
  return GROUND;
}

/** Linear light to an sRGB byte, with a soft shoulder so that nothing burns out. */
function toByte(linear: number): number {
  const x = linear < 0.6 ? linear : 0.6 + 0.4 * (1 - Math.exp(-(linear - 0.6) / 0.4));
  return Math.round(255 * clamp(x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}

function draw(camera: Camera): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  const perPixel = PICTURE_UNITS / HEIGHT;
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      let sum: Vec = [0, 0, 0];
      for (let sample = 0; sample < SAMPLES ** 2; sample += 1) {
        const dx = ((sample % SAMPLES) + 0.5) / SAMPLES;
        const dy = (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
        const u = (x + dx - WIDTH / 2) * perPixel;
        const v = CENTRE_Y + (HEIGHT / 2 - y - dy) * perPixel;
        sum = add(sum, look(u, v, camera));
      }
      pixels.set(scale(sum, 1 / SAMPLES ** 2).map(toByte), (y * WIDTH + x) * 3);
    }
  }
  return pixels;
}

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
for (const [file, camera] of Object.entries(CAMERAS)) {
  const { size } = await sharp(draw(camera), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png({ compressionLevel: 9, adaptiveFiltering: true })
    .toFile(path.join(folder, file));
  console.log(`${path.join(folder, file)}: ${(size / 1024).toFixed(0)} KiB`);
}
