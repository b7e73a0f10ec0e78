import type { Clock } from '../common/clock.js';
import type { Reply, StreamSink } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import type { Json, JsonObject } from '../common/json.js';
import { without } from '../common/json.js';
import type { JobBoard } from './board.js';
import type { Job } from './job.js';
import { linesOut, logEntries, nextChange, queuePosition, reportedStatus } from './job.js';
import type { Settings } from './settings.js';
import type { JobUrls } from './urls.js';

/** One status object; also what each event of the stream holds. */
function statusObject(
  job: Job,
  urls: JobUrls,
  now: number,
  ahead: number | undefined,
  logs: Json,
): JsonObject {
  const status = reportedStatus(job, now);
  const failure = job.state === 'done' ? job.failure : undefined;
  const seconds = ((job.doneAt ?? now) - (job.startedAt ?? now)) / 1000;
  const full = {
    status,
    request_id: job.id,
    ...urls,
    ...(status === 'IN_QUEUE' ? { queue_position: queuePosition(job, now, ahead) } : { logs }),
    ...(status === 'COMPLETED' ? { metrics: { inference_time: seconds } } : {}),
    ...(failure ? { error: failure.error, error_type: failure.errorType } : {}),
  };
  return without(full, job.plan.omit);
}

/** 202 until the job is done, then 200. */
export function statusReply(
  job: Job,
  urls: JobUrls,
  now: number,
  withLogs: boolean,
  { logWindow }: Settings,
  board: JobBoard,
): Reply {
  const out = withLogs ? linesOut(job, now) : 0;
  const logs =
    withLogs && job.plan.logs !== 'null' ? logEntries(job, Math.max(0, out - logWindow), out) : null;
  const value = statusObject(job, urls, now, board.ahead(job), logs);
  return jsonReply(job.state === 'done' ? 200 : 202, value, { 'x-fal-request-id': job.id });
}

/** Server-sent events: one at once, one at every change, the last one COMPLETED. */
export function streamReply(
  job: Job,
  urls: JobUrls,
  withLogs: boolean,
  { settings, clock, board }: { settings: Settings; clock: Clock; board: JobBoard },
): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-fal-request-id': job.id },
    stream: (sink) => new StatusStream(job, urls, withLogs, { settings, clock, board }, sink).start(),
  };
}

class StatusStream {
  readonly #job: Job;
  readonly #urls: JobUrls;
  readonly #withLogs: boolean;
  readonly #parts: { settings: Settings; clock: Clock; board: JobBoard };
  readonly #sink: StreamSink;
  #sent = 0;
  #cancelTimer: () => void = () => undefined;

  constructor(
    job: Job,
    urls: JobUrls,
    withLogs: boolean,
    parts: { settings: Settings; clock: Clock; board: JobBoard },
    sink: StreamSink,
  ) {
    this.#job = job;
    this.#urls = urls;
    this.#withLogs = withLogs;
    this.#parts = parts;
    this.#sink = sink;
  }

  start(): void {
    this.#job.watchers.add(this.#tell);
    this.#sink.onClose(() => {
      this.#job.watchers.delete(this.#tell);
      this.#cancelTimer();
    });
    this.#tell();
  }

  readonly #tell = (): void => {
    const { clock, board } = this.#parts;
    const now = clock.now();
    this.#cancelTimer();
    const value = statusObject(this.#job, this.#urls, now, board.ahead(this.#job), this.#newLogs(now));
    this.#sink.write(`data: ${JSON.stringify(value)}\n\n`);
    if (this.#job.state === 'done') {
      this.#sink.end();
      return;
    }
    this.#cancelTimer = clock.at(nextChange(this.#job, now, this.#withLogs, this.#sent), this.#tell);
  };

  #newLogs(now: number): Json {
    if (!this.#withLogs || this.#job.plan.logs === 'null') return null;
    const { streamLogs, logWindow } = this.#parts.settings;
    const out = linesOut(this.#job, now);
    const from = streamLogs === 'new' ? this.#sent : Math.max(0, out - logWindow);
    this.#sent = out;
    return logEntries(this.#job, from, out);
  }
}
