import { connect, type Socket } from 'node:net';

/** Large answers over kept connections, counted and thrown away: the client costs next to nothing. */

export interface Transfer {
  /** Host and port. */
  origin: string;
  method: 'GET' | 'POST';
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  connections: number;
  ms: number;
  /** Bytes that every answer has at least; fewer is an error in its place. */
  least: number;
}

/** Answers a second. */
export async function transfer({ origin, method, path, headers, body, ...rest }: Transfer): Promise<number> {
  const { hostname, port, host } = new URL(origin);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries({ host, ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const request = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
  const startedAt = performance.now();
  let answers = 0;
  const one = async (): Promise<void> => {
    const connection = new Connection(Number(port), hostname);
    while (performance.now() - startedAt < rest.ms) {
      const size = await connection.ask(request);
      if (size < rest.least) throw new Error(`${origin}${path} answered ${String(size)} bytes`);
      answers++;
    }
    connection.end();
  };
  await Promise.all(Array.from({ length: rest.connections }, one));
  return answers / ((performance.now() - startedAt) / 1000);
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** One answer after the other, read into one buffer that is used again and again. */
class Connection {
  readonly #socket: Socket;
  #done: (size: number) => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;
  #size = 0;
  /** How long head and body are; `undefined` before the head is here, and for an answer in chunks. */
  #length: number | undefined;
  #isChunked = false;
  #tail = '';

  constructor(port: number, host: string) {
    const buffer = Buffer.allocUnsafe(1 << 20);
    this.#socket = connect({
      port,
      host,
      onread: {
        buffer,
        callback: (bytes) => {
          this.#read(buffer, bytes);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.#failed(new Error('the connection was closed')));
  }

  /** The size of the answer, bytes. */
  ask(request: string): Promise<number> {
    this.#size = 0;
    this.#length = undefined;
    this.#isChunked = false;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
  }

  end(): void {
    this.#failed = () => undefined;
    this.#socket.destroy();
  }

  #read(buffer: Buffer, bytes: number): void {
    if (this.#size === 0) this.#readHead(buffer.toString('latin1', 0, Math.min(bytes, 8_192)));
    this.#size += bytes;
    this.#tail = (
      this.#tail + buffer.toString('latin1', Math.max(0, bytes - LAST_CHUNK.length), bytes)
    ).slice(-LAST_CHUNK.length);
    const isWhole = this.#isChunked ? this.#tail === LAST_CHUNK : this.#size >= (this.#length ?? Infinity);
    if (isWhole) this.#done(this.#size);
  }

  #readHead(text: string): void {
    const end = text.indexOf(HEAD_END);
    if (!/^HTTP\/1\.1 20[06] /.test(text) || end < 0) this.#failed(new Error(text.slice(0, 500)));
    const told = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
    if (told === undefined) this.#isChunked = true;
    else this.#length = end + HEAD_END.length + Number(told);
  }
}
