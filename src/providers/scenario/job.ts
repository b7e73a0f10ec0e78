import { isRecord, toJson } from '../../json.js';
import { idOf, plainText } from '../json-api.js';

/** A job as Scenario tells of it. */
export interface ScenarioJob {
  state: 'queued' | 'running' | 'success' | 'failure' | 'canceled';
  /** Scenario's own word for the state. */
  status: string;
  /** 0 to 1. */
  progress: number | undefined;
  assetIds: string[];
  /** Id of what an upload was made into. */
  entityId: string | undefined;
  /** Why it failed, and what to do about it. */
  error: string | undefined;
  hint: string | undefined;
  /** Creative units; absent when nothing is said of billing. */
  units: number | undefined;
  /** A failed job is refunded, unless its model does not support that. */
  refundable: boolean;
}

const STATES: ReadonlyMap<string, ScenarioJob['state']> = new Map([
  ['pending', 'queued'],
  ['queued', 'queued'],
  ['success', 'success'],
  ['succeeded', 'success'],
  ['failure', 'failure'],
  ['failed', 'failure'],
  ['canceled', 'canceled'],
  ['cancelled', 'canceled'],
]);

/** Undefined for what is no job at all. A state that is not known means that the job is not done. */
export function readJob(value: unknown): ScenarioJob | undefined {
  const job = isRecord(value) && isRecord(value['job']) ? value['job'] : value;
  if (!isRecord(job) || typeof job['status'] !== 'string') return undefined;
  const status = job['status'].trim().toLowerCase();
  const metadata = isRecord(job['metadata']) ? job['metadata'] : {};
  const output = isRecord(metadata['output']) ? metadata['output'] : {};
  const billing = isRecord(job['billing']) ? job['billing'] : {};
  const { assetIds, error } = metadata;
  return {
    state: STATES.get(status) ?? 'running',
    status,
    progress: fraction(job['progress']),
    assetIds: Array.isArray(assetIds) ? assetIds.flatMap((id) => idOf(id) ?? []) : [],
    entityId: idOf(output['entityId']),
    error: textOf(error),
    hint: plainText(metadata['hint']),
    units: unitsOf(billing['cuCost']),
    refundable: billing['disableRefund'] !== true,
  };
}

/** Creative units, if it is a number of them. */
export function unitsOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** The reason of a failure is a text or an object that holds one. */
function textOf(error: unknown): string | undefined {
  if (!isRecord(error)) return plainText(error);
  const { message, reason, error: inner } = error;
  return (
    plainText(message) ?? plainText(reason) ?? plainText(inner) ?? plainText(JSON.stringify(toJson(error)))
  );
}

function fraction(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(1, value) : undefined;
}
