import type { Command } from 'commander';
import * as z from 'zod';
import { jobIdIn } from '../jobs/uris.js';
import { jobSchema, type JobView } from '../jobs/view.js';
import { tool as cancelJob } from '../tools/cancel_job.js';
import { tool as getJob } from '../tools/get_job.js';
import { tool as listJobs } from '../tools/list_jobs.js';
import { followJob, outputPath } from './follow.js';
import { readWait } from './generate.js';
import { describeAsset } from './outcome.js';
import { withSession } from './session.js';
import { formatSeconds, formatTime, formatUsd, note, pairs, print, printJson, table } from './text.js';

export interface ListOptions {
  json?: boolean;
  status?: string;
  limit?: string;
  cursor?: string;
}

const pageSchema = z.object({ jobs: z.array(jobSchema), next_cursor: z.string().optional() });

export async function showJobs(
  command: Command,
  { json, status, limit, cursor }: ListOptions,
): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const { structured } = await listJobs.run({ status, limit, cursor }, context);
    const page = pageSchema.parse(structured);
    if (json) printJson(structured);
    else printTable(page.jobs);
    if (!json && page.next_cursor !== undefined) note(`There are more: add --cursor ${page.next_cursor}`);
    return 0;
  });
}

export async function showJob(command: Command, id: string, json: boolean): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const { structured } = await getJob.run({ job_id: id }, context);
    if (json) printJson(structured);
    else printJob(jobSchema.parse(structured));
    return 0;
  });
}

/** Asks for the cancellation and tells what came of it. */
export async function cancel(command: Command, id: string, json: boolean): Promise<number> {
  return withSession(command, { carryOn: true }, async (context) => {
    const { structured } = await cancelJob.run({ job_id: id }, context);
    if (json) printJson(structured);
    else printJob(jobSchema.parse(structured));
    return 0;
  });
}

export interface WaitOptions {
  json?: boolean;
  wait?: string;
  output?: string;
  overwrite?: boolean;
}

export async function waitFor(command: Command, id: string, options: WaitOptions): Promise<number> {
  const { json = false, overwrite = false, wait } = options;
  const seconds = wait === undefined ? undefined : readWait(wait);
  return withSession(command, { carryOn: true }, async (context) => {
    const output = await outputPath(options.output, overwrite, context.config);
    const job = await context.jobs.get(context.principal, jobIdIn(id));
    return followJob(job, context, { json, output, overwrite, seconds });
  });
}

function printTable(jobs: readonly JobView[]): void {
  if (jobs.length === 0) note('There are no such jobs. `meshwright generate TOOL` starts one.');
  print(
    table(
      [
        { title: 'JOB', cell: ({ job_id }) => job_id },
        { title: 'STATUS', cell: statusText },
        { title: 'TOOL', cell: ({ tool }) => tool },
        { title: 'OVER', cell: ({ provider }) => provider },
        { title: 'BEGUN', cell: ({ created_at }) => formatTime(created_at) },
        { title: 'TOOK', cell: ({ elapsed_seconds }) => formatSeconds(elapsed_seconds), align: 'right' },
        { title: 'COST', cell: costText, align: 'right' },
      ],
      jobs,
    ),
  );
}

function printJob(job: JobView): void {
  print(
    pairs([
      ['job', job.job_id],
      ['status', statusText(job)],
      ['message', job.message],
      ['tool', job.tool],
      ['over', `${job.provider} (${job.model})`],
      ['begun', formatTime(job.created_at)],
      ['took', formatSeconds(job.elapsed_seconds)],
      ['cost', costText(job)],
      ['charged', job.error?.charged],
      ['seed', job.seed?.toString()],
      ...job.assets.flatMap((asset) => [
        [asset.role, `${asset.asset_id}: ${describeAsset(asset)}`] as const,
        ['', asset.path ?? asset.url] as const,
      ]),
    ]),
  );
}

function statusText({ status, progress, queue_position: place }: JobView): string {
  if (status === 'running') return `running ${Math.round(progress * 100)} %`;
  return place === undefined ? status : `${status}, ${place} ahead`;
}

function costText({ cost_usd: { estimate, billed } }: JobView): string {
  if (billed !== undefined) return formatUsd(billed);
  return estimate === null || estimate === 0 ? formatUsd(estimate) : `about ${formatUsd(estimate)}`;
}
