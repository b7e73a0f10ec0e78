import { isRecord, type Json, type JsonObject } from '../../json.js';
import { idOf } from '../json-api.js';
import { unitsOf } from './job.js';

/** A job that Scenario accepted, as it is stored. */
export interface ScenarioOperation {
  jobId: string;
  model: string;
  /** Milliseconds since 1970. */
  submittedAt: number;
  /** Creative units that were named when it was accepted. */
  units: number | undefined;
}

/** The operation that a submit's reply speaks of; undefined when it names no job. */
export function operationOf(
  reply: unknown,
  model: string,
  submittedAt: number,
): ScenarioOperation | undefined {
  if (!isRecord(reply)) return undefined;
  const job = isRecord(reply['job']) ? reply['job'] : reply;
  const jobId = idOf(job['jobId']) ?? idOf(job['id']);
  return jobId === undefined
    ? undefined
    : { jobId, model, submittedAt, units: unitsOf(reply['creativeUnitsCost']) };
}

export function storeOperation({ jobId, model, submittedAt, units }: ScenarioOperation): JsonObject {
  return {
    job_id: jobId,
    model,
    submitted_at: submittedAt,
    ...(units === undefined ? {} : { creative_units: units }),
  };
}

export function readOperation(stored: Json): ScenarioOperation {
  const jobId = isRecord(stored) ? idOf(stored['job_id']) : undefined;
  const model = isRecord(stored) ? idOf(stored['model']) : undefined;
  if (!isRecord(stored) || jobId === undefined || model === undefined) {
    throw new Error('not an operation of Scenario');
  }
  const { submitted_at: submittedAt } = stored;
  return {
    jobId,
    model,
    submittedAt: typeof submittedAt === 'number' ? submittedAt : Date.now(),
    units: unitsOf(stored['creative_units']),
  };
}
