import type { JsonObject } from '../common/json.js';

/** One line of a model's log, at a point of its run. */
export interface LogLine {
  /** 0 to 1 of the run. */
  at: number;
  message: string;
  level: 'INFO' | 'STDOUT' | 'STDERR';
}

/** A stretch of a run: one line at its start, or a progress bar that fills over it. */
interface Stage {
  from: number;
  to: number;
  text: string;
  /** Steps of the bar; it prints at every step. */
  steps?: number;
  /** Writes a step itself instead of a bar. */
  line?: (step: number, steps: number) => string;
}

/** What the model prints while it works on this input, in order. */
export function logLines(endpointId: string, input: JsonObject, runMs: number): LogLine[] {
  const script = SCRIPTS[endpointId] ?? (() => []);
  return script(input).flatMap((stage) => linesOf(stage, runMs));
}

function linesOf({ from, to, text, steps, line }: Stage, runMs: number): LogLine[] {
  if (steps === undefined) return [{ at: from, message: text, level: 'INFO' }];
  const seconds = ((to - from) * (Number.isFinite(runMs) ? runMs : 60_000)) / 1000;
  return Array.from({ length: steps + 1 }, (_, step) => ({
    at: from + ((to - from) * step) / steps,
    message: line ? line(step, steps) : progressBar(text, step, steps, seconds),
    // tqdm writes to standard error.
    level: line ? 'INFO' : 'STDERR',
  }));
}

/** A line of tqdm: `Sampling:  33%|███▎      | 4/12 [00:02<00:04,  1.90it/s]` */
function progressBar(text: string, step: number, steps: number, seconds: number): string {
  const done = step / steps;
  const eighths = Math.round(done * 80);
  const bar = ('█'.repeat(eighths >> 3) + (' ▏▎▍▌▋▊▉'[eighths & 7] ?? '').trim()).padEnd(10);
  const spent = seconds * done;
  const rate = step === 0 ? '?it/s' : `${(step / Math.max(spent, 0.001)).toFixed(2).padStart(5)}it/s`;
  const left = step === 0 ? '?' : minutes(seconds - spent);
  const percent = String(Math.floor(done * 100)).padStart(3);
  return `${text}: ${percent}%|${bar}| ${step}/${steps} [${minutes(spent)}<${left}, ${rate}]`;
}

function minutes(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

const amount = (input: JsonObject, name: string, otherwise: number): number => {
  const value = input[name];
  return typeof value === 'number' ? value : otherwise;
};

const at = (from: number, text: string): Stage => ({ from, to: from, text });

function cascade(input: JsonObject, first: Stage[]): Stage[] {
  const steps = (stage: string): number => amount(input, `${stage}_sampling_steps`, 12);
  const target = amount(input, 'decimation_target', 200_000);
  const texture = amount(input, 'texture_size', 2048);
  return [
    ...first,
    { from: 0.06, to: 0.2, text: 'Sampling sparse structure', steps: steps('ss') },
    { from: 0.22, to: 0.48, text: 'Sampling shape SLat', steps: steps('shape_slat') },
    { from: 0.5, to: 0.68, text: 'Sampling texture SLat', steps: steps('tex_slat') },
    at(0.7, 'Decoding mesh'),
    ...(input['remesh'] === false ? [] : [at(0.76, 'Remeshing')]),
    at(0.82, `Decimating mesh to ${target} vertices`),
    at(0.88, `Baking texture at ${texture}x${texture}`),
    at(0.97, 'Exporting GLB'),
  ];
}

const tripo = (): Stage[] => [
  at(0.01, 'Task created'),
  {
    from: 0.05,
    to: 0.95,
    text: 'progress',
    steps: 9,
    line: (step, steps) => `Task status: running, progress: ${Math.round((100 * step) / steps)}`,
  },
  at(0.98, 'Task status: success, progress: 100'),
];

const hunyuan = (input: JsonObject): Stage[] => [
  at(0.01, 'Loading image'),
  { from: 0.03, to: 0.5, text: 'Diffusion Sampling:', steps: amount(input, 'num_inference_steps', 50) },
  { from: 0.52, to: 0.68, text: 'Volume Decoding', steps: 8 },
  ...(input['textured_mesh'] === true
    ? [
        at(0.7, 'Unwrapping UVs'),
        at(0.74, 'Rendering control views'),
        at(0.8, 'Painting texture'),
        at(0.92, 'Baking'),
      ]
    : [at(0.75, 'Removing floaters and degenerate faces')]),
  at(0.97, 'Exporting mesh'),
];

const trellis = (input: JsonObject): Stage[] => [
  at(0.01, 'Preprocessing image'),
  // Both stages print the same word, so the bar starts over in the middle.
  { from: 0.04, to: 0.25, text: 'Sampling', steps: amount(input, 'ss_sampling_steps', 12) },
  { from: 0.27, to: 0.5, text: 'Sampling', steps: amount(input, 'slat_sampling_steps', 12) },
  at(0.55, 'Rendering multiview images'),
  { from: 0.6, to: 0.94, text: 'Texture baking (opt): optimizing', steps: 10 },
  at(0.96, 'Exporting GLB'),
];

const rodin = (input: JsonObject): Stage[] => [
  at(0.01, input['input_image_urls'] === undefined ? 'Submitting text prompt' : 'Uploading images'),
  at(0.05, 'Status: Waiting'),
  { from: 0.1, to: 0.9, text: 'generating', steps: 4, line: () => 'Status: Generating' },
  at(0.95, 'Status: Done'),
  at(0.97, 'Downloading results'),
];

const triposr = (): Stage[] => [
  at(0, 'Processing images ...'),
  at(0.2, 'Running model ...'),
  at(0.5, 'Extracting mesh ...'),
  at(0.9, 'Exporting mesh ...'),
];

const views = (input: JsonObject): number => {
  const urls = input['image_urls'];
  return Array.isArray(urls) ? urls.length : 1;
};

const SCRIPTS: Readonly<Record<string, (input: JsonObject) => Stage[]>> = {
  'fal-ai/pixal3d': (input) =>
    cascade(input, [at(0.01, 'Downloading image'), at(0.03, 'Removing background')]),
  'fal-ai/reconviagen-0.5': (input) =>
    cascade(input, [at(0.01, `Loaded ${views(input)} views`), at(0.03, 'Estimating camera poses')]),
  'tripo3d/tripo/v2.5/image-to-3d': tripo,
  'tripo3d/tripo/v2.5/multiview-to-3d': tripo,
  'fal-ai/hunyuan3d-v21': hunyuan,
  'fal-ai/hunyuan3d/v2': hunyuan,
  'fal-ai/hunyuan3d/v2/turbo': hunyuan,
  'fal-ai/hunyuan3d/v2/multi-view': hunyuan,
  'fal-ai/hyper3d/rodin': rodin,
  'fal-ai/trellis': trellis,
  'fal-ai/trellis/multi': trellis,
  'fal-ai/triposr': triposr,
};
