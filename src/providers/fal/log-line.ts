import { printable } from '../../errors.js';

/** What one line of a model's log says about how far the model is. */
export interface LogNews {
  /** What the model is doing, short; absent when the line is no name of a stage. */
  stage?: string | undefined;
  /** 0 to 1, of the stage or, with `whole`, of everything. */
  fraction?: number | undefined;
  whole?: boolean | undefined;
}

const MAX_STAGE = 60;
/** Of a longer line only the end is read. */
const MAX_LINE = 500;

/** Terminal colours and cursor movements. */
// oxlint-disable-next-line eslint/no-control-regex
const ESCAPES = /\u001B\[[0-9;?]*[A-Za-z]/g;
/** `2026-01-01 12:00:00,123 - INFO -`, `[INFO]`, `12:00:00 |` */
const PREFIX =
  /^(?:\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d[\d.,]*Z?\]?|\[?(?:INFO|DEBUG|STDOUT|STDERR)\]?:?|[-|\s])+\s*/i;
/** Not what the model does but what its libraries complain about. */
const NOISE = /warn|deprecat|traceback|exception|^error|https?:|[{}<>]|^\s*(?:File|at) |\/[\w.-]+\//i;

const PERCENT = /(\d{1,3}(?:\.\d+)?)\s?%/;
const RATIO = /(?:^|[\s([|])(\d{1,6})\s*(?:\/|of)\s*(\d{1,6})(?=$|[\s)\]|,:.])/i;
const PROGRESS_NUMBER = /\bprogress\b\s*[:=]?\s*(\d{1,3}(?:\.\d+)?)(?=$|[\s%,;)])/i;

/** Reads a line as models print them: bars of tqdm, `Step 3/50`, `progress: 40`, or the name of a stage alone. */
export function readLogLine(message: string): LogNews {
  // A bar draws over itself with carriage returns: its last state counts.
  const text = message.slice(-MAX_LINE).replace(ESCAPES, '');
  const last = /[\r\n]/.test(text) ? text.split(/[\r\n]+/).findLast((part) => part.trim() !== '') : text;
  const line = (last ?? '')
    .replace(PREFIX, '')
    .replace(/\s{2,}|[^\S ]/g, ' ')
    .trim();
  const whole = PROGRESS_NUMBER.exec(line);
  if (whole) {
    const fraction = Math.min(1, Number(whole[1]) / 100);
    return { stage: stageOf(line.slice(0, whole.index)), fraction, whole: true };
  }
  const mark = PERCENT.exec(line) ?? ratio(line);
  if (!mark) return { stage: stageOf(line) };
  const [, amount, total = '100'] = mark;
  const fraction = Number(amount) / Number(total);
  if (!(fraction >= 0 && fraction <= 1)) return {};
  return { stage: stageOf(line.slice(0, mark.index)), fraction };
}

function ratio(line: string): RegExpExecArray | undefined {
  const found = RATIO.exec(line);
  return found && Number(found[2]) > 1 ? found : undefined;
}

/** A bar prints its name again with every step, in every job of its model. */
const stages = new Map<string, string | undefined>();
const MAX_STAGES = 500;

function stageOf(text: string): string | undefined {
  if (stages.has(text)) return stages.get(text);
  if (stages.size >= MAX_STAGES) stages.clear();
  const stage = cleanStage(text);
  stages.set(text, stage);
  return stage;
}

function cleanStage(text: string): string | undefined {
  if (NOISE.test(text)) return undefined;
  const stage = printable(text)
    .replace(/^[^\p{L}\d]+|[^\p{L}\d)]+$/gu, '')
    .replace(/^(?:task )?status:\s*|\s(?:step|iteration|iter)s?$/gi, '');
  if (!/\p{L}{3}/u.test(stage)) return undefined;
  return stage.length > MAX_STAGE ? `${stage.slice(0, MAX_STAGE - 1).trimEnd()}…` : stage;
}
