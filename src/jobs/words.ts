import type { ErrorCode } from '../errors.js';
import { redact } from '../log.js';
import type { Asset, Job } from '../store/types.js';
import { consoleOf } from '../providers/consoles.js';
import { isFinal } from './transition.js';

/** What is said of a job: where it stands, why, and what to do next. */

export const DAMAGED = 'The file cannot be read as a GLB: it may be cut or damaged.';

export function isDamaged({ format, inspection }: Asset): boolean {
  return format === 'glb' && !inspection;
}

/**
 * One line on where the job stands.
 *
 * @param assets its files; absent where nobody looked
 */
export function messageFor(job: Job, assets: readonly Asset[] | undefined, elapsedSeconds: number): string {
  const elapsed = `${Math.max(0, Math.round(elapsedSeconds * 10) / 10)} s`;
  switch (job.state) {
    case 'intent':
      return `Waiting to be sent (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'submitting':
      return `Being sent to ${nameOf(job)} (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'submitted': {
      const place = job.queuePosition === undefined ? '' : `, ${placeText(job.queuePosition)}`;
      const cancelling = job.cancelRequested ? cancelNote(job) : '';
      const what = job.running
        ? `${capital(job.stage)}, ${Math.round(job.progress * 100)} %${timeLeft(job, elapsedSeconds)}`
        : `Queued at ${nameOf(job)}${place}`;
      return `${what} (${elapsed}).${troubleNote(job, elapsedSeconds)}${cancelling}`;
    }
    case 'storing':
      return job.error
        ? job.error.message
        : `Done at ${nameOf(job)}; storing the files (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'succeeded': {
      if (!assets) return `Done in ${elapsed}${routeNote(job)}.${cancelNote(job)}`;
      const model = assets.find(({ role }) => role === 'model');
      const triangles = model?.inspection?.['triangles'];
      const count = typeof triangles === 'number' ? `, ${triangles.toLocaleString('en-US')} triangles` : '';
      const damaged = model && isDamaged(model) ? ` ${DAMAGED} It is kept as it came.` : '';
      return model
        ? `Done in ${elapsed}${routeNote(job)}: ${model.name}${count}, ${formatBytes(model.sizeBytes)}.${damaged}${cancelNote(job)}`
        : `Done in ${elapsed}; its files were deleted.`;
    }
    case 'failed':
    case 'searching':
    case 'unconfirmed':
      return job.error?.message ?? 'It did not succeed.';
    case 'cancelled':
      return job.error?.message ?? 'Cancelled.';
  }
}

/** @param ahead how many jobs are before this one: what `queue_position` counts */
export function placeText(ahead: number): string {
  if (ahead === 0) return 'next in the queue';
  return `${ahead} ${ahead === 1 ? 'job' : 'jobs'} ahead in the queue`;
}

/** Why what is said of the job may be old. */
function troubleNote({ trouble, createdAt }: Job, elapsedSeconds: number): string {
  if (!trouble) return '';
  const lasts = Math.max(0, elapsedSeconds - (trouble.since - createdAt) / 1000);
  if (trouble.here) return ` For ${roughly(lasts)} nothing of it can be written down: ${redact(trouble.why)}`;
  return ` For ${roughly(lasts)} it could not be asked about: ${redact(trouble.why)}. It goes on there, and is asked about again.`;
}

/** Guessed from the jobs before; it only falls, and says so when a job takes longer. */
function timeLeft({ typicalSeconds, runningSince, createdAt }: Job, elapsedSeconds: number): string {
  if (typicalSeconds === undefined || runningSince === undefined) return '';
  const left = typicalSeconds - (elapsedSeconds - (runningSince - createdAt) / 1000);
  return left > 0 ? `, about ${roughly(left)} left` : `, longer than the usual ${roughly(typicalSeconds)}`;
}

function roughly(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function nameOf(job: Job): string {
  return job.provider === 'local' ? 'the local generator' : job.provider;
}

/** Over which provider, where there was a choice or a refusal on the way. */
function routeNote(job: Job): string {
  return job.provider === 'local'
    ? ''
    : ` over ${job.provider} (${(job.routeReason ?? 'as asked').replace(/\.$/, '')})`;
}

function cancelNote(job: Job): string {
  if (!job.cancelRequested) return '';
  switch (job.cancelOutcome) {
    case 'finished':
      return ' It had finished before the cancellation came.';
    case 'unsupported':
      return ` ${job.provider} cannot cancel jobs: it runs on and is charged.`;
    case 'running':
      return ' The cancellation was asked for, but it runs on and is charged.';
    case 'failed':
      return ` ${job.cancelError ?? `${job.provider} did not take the cancellation; call cancel_job again.`}`;
    default:
      return isFinal(job) ? '' : ' Cancelling.';
  }
}

/**
 * What the agent can do now, with the exact call.
 *
 * @param isRemote its files are on another machine
 */
export function nextFor(job: Job, assets: readonly Asset[], isRemote: boolean): string {
  const id = JSON.stringify({ job_id: job.id });
  switch (job.state) {
    case 'intent':
    case 'submitting':
    case 'submitted':
      return `It goes on by itself: call wait_for_job ${id} for the result; do not start it again.`;
    case 'searching':
      return `Call wait_for_job ${id}: it looks for the job and never pays again. Ask the user before buying it again.`;
    case 'storing':
      return `Call wait_for_job ${id}; it fetches the files again without paying again.`;
    case 'succeeded': {
      const model = assets.find(({ role }) => role === 'model');
      if (!model) return `Call ${job.tool} again with force_new: true to make it anew.`;
      const asset = JSON.stringify({ asset_id: model.id });
      if (isDamaged(model))
        return `Tell the user: the job ran, and its file is damaged. ${isRemote ? 'Its url' : `save_asset ${asset}`} keeps it; do not call ${job.tool} again without asking.`;
      if (model.format === 'glb')
        return `Look at it with view_asset ${asset}, or ${isRemote ? 'download it from its url' : 'put it where it is needed with save_asset'}.`;
      return isRemote ? 'Download it from its url.' : `Put it where it is needed with save_asset ${asset}.`;
    }
    case 'failed':
      return job.provider !== 'local' && job.error?.charged !== 'no'
        ? `Tell the user: it was paid for, or may have been. Look at ${consoleOf(job.provider) ?? job.provider}, and do not call ${job.tool} again without asking.`
        : failedNext(job.tool, job.error?.code, job.error?.retryable ?? false);
    case 'cancelled':
      return `Call ${job.tool} again to start it anew.`;
    case 'unconfirmed':
      return `Ask the user before buying it again: look for it at ${consoleOf(job.provider) ?? job.provider}; then call ${job.tool} with force_new: true.`;
  }
}

function failedNext(tool: string, code: ErrorCode | undefined, retryable: boolean): string {
  if (code === 'invalid_image' || code === 'generation_failed')
    return `Call ${tool} again with another image.`;
  return retryable ? `Call ${tool} again later.` : `Change what the message names, then call ${tool} again.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
