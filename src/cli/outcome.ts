import path from 'node:path';
import { isRecord } from '../json.js';
import type { AssetView, JobView } from '../jobs/view.js';
import { formatBytes } from '../jobs/words.js';
import { LOCAL_PRINCIPAL } from '../open.js';
import type { Job } from '../store/types.js';
import { formatSeconds, formatSize, formatUsd, note, plain, print } from './text.js';
import { principalFlag } from './whose.js';

/** What a person reads when a job has ended, or when the waiting for it has. */

/**
 * @param savedAs where the model was copied to, if it was
 * @param later what becomes of a job that has not ended
 */
export function printOutcome(job: JobView, savedAs: string | undefined, later: string): void {
  if (job.status === 'succeeded') printSuccess(job, savedAs);
  else if (job.status === 'queued' || job.status === 'running') {
    print(`${job.job_id}\n${plain(job.message)}`);
    note(later);
  } else {
    note(`meshwright: ${plain(job.message)}`);
    note(`${job.job_id} is ${job.status}${chargedNote(job)}.`);
  }
}

/** What becomes of a job that has not ended when this command leaves: nothing of ours runs on by itself. */
export function laterOf({ id, principal, provider, state }: Job): string {
  const wait = `\`meshwright jobs wait ${id}${principalFlag(principal)}\``;
  const others = 'so does any meshwright server with this data folder';
  if (provider === 'local') return `It is kept, not worked on: ${wait} goes on with it; ${others}.`;
  // Whose key it is made with, that server knows.
  if (principal !== LOCAL_PRINCIPAL) return `The HTTP server carries it on; ${wait} looks again.`;
  if (state === 'intent') return `Nothing was sent to ${provider} yet: ${wait} sends it; ${others}.`;
  const where = state === 'storing' ? `It is done at ${provider}` : `It goes on at ${provider}`;
  return `${where}; its files are not fetched by themselves: ${wait} fetches them; ${others}.`;
}

function printSuccess(job: JobView, savedAs: string | undefined): void {
  const model = mainAsset(job);
  const cost = job.cost_usd.billed ?? job.cost_usd.estimate;
  const made = `${job.deduplicated ? 'made earlier by the same call (--force_new makes it anew)' : formatSeconds(job.elapsed_seconds)}, ${formatUsd(cost)}`;
  print(savedAs ?? model?.path ?? model?.uri ?? job.job_id);
  print(model ? `${plain(describeAsset(model))}; ${made}` : made);
  for (const asset of job.assets) {
    if (asset !== model) print(`${asset.role}: ${asset.path ?? asset.uri}`);
  }
  print([job.job_id, ...(model ? [model.asset_id] : [])].join(', '));
  for (const text of [...(model?.warnings ?? []), ...adviceOf(job)]) note(`note: ${plain(text)}`);
}

/** The model that was asked for: of the format of the file it is saved to, where there is one. */
export function mainAsset(job: JobView, target?: string): AssetView | undefined {
  const models = job.assets.filter(({ role }) => role === 'model');
  const format = target === undefined ? '' : path.extname(target).slice(1).toLowerCase();
  return models.find((asset) => asset.format === format) ?? models[0];
}

/** Formats of models that a name may promise; a copy is never converted. */
const FORMATS = new Set(['glb', 'gltf', 'obj', 'fbx', 'usdz', 'stl', 'ply', 'zip']);

/** Says so where a file has the name of another format than its content. */
export function noteOtherFormat(file: string, format: string): void {
  const named = path.extname(file).slice(1).toLowerCase();
  if (named === format || !FORMATS.has(named)) return;
  note(
    `note: ${plain(path.basename(file))} holds ${format.toUpperCase()}, not ${named.toUpperCase()}: nothing is converted. Name it .${format}, or convert it in a 3D program.`,
  );
}

/** `19,998 triangles, 10,001 vertices, 0.6 × 1 × 0.6 m, 1.4 MiB` */
export function describeAsset(asset: AssetView): string {
  const count = (value: number | undefined, of: string): string[] =>
    value === undefined ? [] : [`${value.toLocaleString('en-US')} ${of}`];
  return [
    ...count(asset.triangles, 'triangles'),
    ...count(asset.vertices, 'vertices'),
    ...(asset.size_meters ? [formatSize(asset.size_meters)] : []),
    formatBytes(asset.size_bytes),
  ].join(', ');
}

function adviceOf(job: JobView): string[] {
  const advice = isRecord(job.report) ? job.report['advice'] : undefined;
  return Array.isArray(advice) ? advice.filter((text) => typeof text === 'string') : [];
}

function chargedNote({ error }: JobView): string {
  switch (error?.charged) {
    case 'no':
      return '; nothing was charged';
    case 'yes':
      return '; it was charged';
    case 'unknown':
      return '; whether it was charged is not known';
    default:
      return '';
  }
}
