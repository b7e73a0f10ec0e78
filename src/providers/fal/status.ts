import { isRecord } from '../../json.js';

export interface LogEntry {
  message: string;
  /** As fal writes it; absent in some replies. */
  timestamp: string;
}

/** One status, of a poll or of an event of the stream. */
export interface FalStatus {
  /** `done` is COMPLETED, which is also how failures and cancellations end. */
  state: 'queued' | 'running' | 'done';
  /** Jobs that come first. */
  queuePosition: number | undefined;
  /** A window of the latest lines, or only those that are new. */
  logs: LogEntry[];
  /** Why it failed, on COMPLETED. */
  error: string | undefined;
  errorType: string | undefined;
}

/** Undefined for what is no status at all. A state that is not known means that the job is not done. */
export function readStatus(value: unknown): FalStatus | undefined {
  if (!isRecord(value) || typeof value['status'] !== 'string') return undefined;
  const { status, queue_position: position, logs, error, error_type: errorType } = value;
  return {
    state: status === 'COMPLETED' ? 'done' : status === 'IN_QUEUE' ? 'queued' : 'running',
    queuePosition: typeof position === 'number' ? placeOf(position) : undefined,
    logs: Array.isArray(logs) ? logs.flatMap(readEntry) : [],
    error: typeof error === 'string' && error !== '' ? error : undefined,
    errorType: typeof errorType === 'string' ? errorType : undefined,
  };
}

/** JSON has numbers that are none: 1e999 is read as infinity. */
function placeOf(position: number): number | undefined {
  const place = Math.floor(position);
  return place >= 0 && Number.isSafeInteger(place) ? place : undefined;
}

function readEntry(value: unknown): LogEntry[] {
  if (!isRecord(value) || typeof value['message'] !== 'string') return [];
  const { message, timestamp } = value;
  return [{ message, timestamp: typeof timestamp === 'string' ? timestamp : '' }];
}
