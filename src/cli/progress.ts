import { Presets, SingleBar } from 'cli-progress';
import { messageFor } from '../jobs/words.js';
import type { Job } from '../store/types.js';
import { note, plain } from './text.js';

/** How far a job is, on stderr: a bar that moves for a person, plain lines for a log, nothing for a program. */
export interface ProgressDisplay {
  update(job: Job): void;
  /** Says something without disturbing the bar. */
  say(text: string): void;
  stop(): void;
}

const silent: ProgressDisplay = { update: () => undefined, say: note, stop: () => undefined };

export function progressDisplay(json: boolean): ProgressDisplay {
  if (json) return silent;
  return process.stderr.isTTY ? movingBar() : plainLines();
}

/** The time passed is part of the message, so the bar is drawn anew while nothing else happens. */
const REDRAW_MS = 200;

function movingBar(): ProgressDisplay {
  const bar = new SingleBar(
    {
      format: '{bar} {message}',
      barsize: 24,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  let job: Job | undefined;
  let drawing: NodeJS.Timeout | undefined;
  const draw = (): void => {
    if (job) bar.update(job.progress, { message: messageOf(job) });
  };
  const stop = (): void => {
    clearInterval(drawing);
    drawing = undefined;
    bar.stop();
  };
  return {
    update(now) {
      job = now;
      if (drawing) return draw();
      bar.start(1, now.progress, { message: messageOf(now) });
      drawing = setInterval(draw, REDRAW_MS);
    },
    say(text) {
      stop();
      note(text);
      if (job) this.update(job);
    },
    stop,
  };
}

/** A line for each stage, and one now and then in a long one. */
const LINE_MS = 10_000;

function plainLines(): ProgressDisplay {
  let job: Job | undefined;
  let stage = '';
  let saying: NodeJS.Timeout | undefined;
  const line = (): void => {
    if (job) note(messageOf(job));
  };
  return {
    update(now) {
      job = now;
      const next = `${now.state} ${now.stage} ${now.queuePosition ?? ''} ${now.trouble?.why ?? ''}`;
      if (next === stage) return;
      stage = next;
      clearInterval(saying);
      saying = setInterval(line, LINE_MS);
      line();
    },
    say: note,
    stop: () => clearInterval(saying),
  };
}

function messageOf(job: Job): string {
  return plain(messageFor(job, undefined, ((job.finishedAt ?? Date.now()) - job.createdAt) / 1000));
}
