import { tool as cancelJob } from './cancel_job.js';
import { tool as deleteAsset } from './delete_asset.js';
import { tool as getJob } from './get_job.js';
import { tool as inspectAsset } from './inspect_asset.js';
import { tool as listAssets } from './list_assets.js';
import { tool as listJobs } from './list_jobs.js';
import { tool as listModels } from './list_models.js';
import { tool as saveAsset } from './save_asset.js';
import { tool as uploadImage } from './upload_image.js';
import { tool as viewAsset } from './view_asset.js';
import { tool as waitForJob } from './wait_for_job.js';
import { modelTool } from './model-tool.js';
import { models } from './models.js';
import type { Tool } from './tool.js';

let all: readonly Tool[] | undefined;

/** Every tool, free and read-only ones first, in the order in which clients see them. */
export function tools(): readonly Tool[] {
  all ??= [
    listModels,
    ...models().map(modelTool),
    getJob,
    waitForJob,
    cancelJob,
    listJobs,
    listAssets,
    inspectAsset,
    viewAsset,
    saveAsset,
    deleteAsset,
    uploadImage,
  ];
  return all;
}

export { findModel } from './models.js';
export { callTool, definitionOf, errorResult, jobResult } from './tool.js';
