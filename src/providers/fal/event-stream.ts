import type { IncomingMessage } from 'node:http';

/** Longest event that is read; a status with five hundred long log lines has a megabyte. */
const MAX_EVENT = 8 * 1024 * 1024;
/** A stream that has told the end is given a moment to close: the result then goes over the same connection. */
const CLOSE_MS = 5;

/** The `data` of server-sent events (WHATWG HTML, 9.2) out of a text that comes in pieces. */
export class EventParser {
  readonly #tell: (data: string) => void;
  #line = '';
  #data: string | undefined;

  constructor(tell: (data: string) => void) {
    this.#tell = tell;
  }

  /** @returns false when an event is too long to be one */
  push(piece: string): boolean {
    let from = 0;
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', from)) {
      this.#end(this.#line + piece.slice(from, end));
      this.#line = '';
      from = end + 1;
    }
    this.#line += piece.slice(from);
    return this.#line.length + (this.#data?.length ?? 0) <= MAX_EVENT;
  }

  #end(text: string): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line === '') {
      const data = this.#data;
      this.#data = undefined;
      if (data !== undefined) this.#tell(data);
    } else if (line.startsWith('data:')) {
      const value = line.slice(line.startsWith('data: ') ? 6 : 5);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    }
  }
}

export type StreamEnd =
  /** `onData` said that it has what it wants. */
  | 'done'
  /** Closed by the other side, at an event or in the middle of one. */
  | 'ended'
  /** Nothing came from the beginning: something in between holds the events back. */
  | 'mute'
  /** Nothing came for too long. */
  | 'silent';

export interface StreamLimits {
  /** Longest time to the first event, milliseconds. */
  firstMs: number;
  /** Longest time between two events, milliseconds. */
  silenceMs: number;
}

/**
 * Reads events until one is the last, the stream ends, or it falls silent. Comments do not count as events: a
 * proxy can keep a connection alive that has nothing behind it any more.
 *
 * @param onData answers true when no more is wanted
 */
export function readEvents(
  message: IncomingMessage,
  onData: (data: string) => boolean,
  { firstMs, silenceMs }: StreamLimits,
): Promise<StreamEnd> {
  return new Promise((resolve) => {
    let over = false;
    let done = false;
    const end = (how: StreamEnd): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      message.destroy();
      resolve(done ? 'done' : how);
    };
    let timer = setTimeout(() => end('mute'), firstMs);
    let first = true;
    const parser = new EventParser((data) => {
      if (over || done) return;
      if (first) {
        first = false;
        clearTimeout(timer);
        timer = setTimeout(() => end('silent'), silenceMs);
      } else timer.refresh();
      if (!onData(data)) return;
      done = true;
      clearTimeout(timer);
      timer = setTimeout(() => end('done'), CLOSE_MS);
    });
    message.socket.setTimeout(0);
    message.setEncoding('utf8');
    message.on('data', (piece: string) => {
      if (!parser.push(piece)) end('ended');
    });
    for (const event of ['end', 'error', 'close']) message.on(event, () => end('ended'));
  });
}
