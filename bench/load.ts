import { connect, type Socket } from 'node:net';

/**
 * Load on an HTTP server over kept connections, written to sockets: a client on `node:http` would cost more than the
 * servers that are measured.
 */

export interface Load {
  /** Host and port. */
  origin: string;
  headers: Readonly<Record<string, string>>;
  /** Ids must differ. */
  body: (id: number) => string;
  connections: number;
  ms: number;
}

export interface Loaded {
  requests: number;
  perSecond: number;
  /** One for each request, milliseconds. */
  latencies: number[];
  /** The last answer's body as it came, chunk sizes included. */
  sample: string;
}

const HEAD_END = '\r\n\r\n';
const CHUNKED_END = Buffer.from('\r\n0\r\n\r\n');

export async function load({ origin, headers, body: bodyOf, connections, ms }: Load): Promise<Loaded> {
  const { hostname, port, host } = new URL(origin);
  const latencies: number[] = [];
  let sample = '';
  let ids = 0;
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /mcp HTTP/1.1\r\n${lines.join('')}`;
  const startedAt = performance.now();
  const end = startedAt + ms;
  const one = async (): Promise<void> => {
    const socket = connect(Number(port), hostname);
    const answers = answersOf(socket);
    while (performance.now() < end) {
      const body = bodyOf(++ids);
      const sentAt = performance.now();
      socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${origin} closed the connection`);
      if (!value.startsWith('HTTP/1.1 200')) throw new Error(`${origin} answered ${value.slice(0, 500)}`);
      latencies.push(performance.now() - sentAt);
      sample = value;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    latencies,
    sample: sample.slice(sample.indexOf(HEAD_END) + HEAD_END.length),
  };
}

/** Whole answers, head and body, as they come. */
async function* answersOf(socket: Socket): AsyncGenerator<string> {
  let chunks: Buffer[] = [];
  let size = 0;
  /** How long the answer is; known once its head is here, for those that say so. */
  let length: number | undefined;
  let isChunked = false;
  for await (const chunk of socket) {
    const bytes: Buffer = chunk;
    chunks.push(bytes);
    size += bytes.length;
    if (length === undefined && !isChunked) {
      chunks = [Buffer.concat(chunks)];
      const head = /^[^]*?\r\n\r\n/.exec(chunks[0]?.toString('latin1') ?? '')?.[0];
      if (head === undefined) continue;
      const told = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
      if (told === undefined) isChunked = true;
      else length = head.length + Number(told);
    }
    const isWhole = isChunked ? endsChunked(chunks) : size >= (length ?? Infinity);
    if (!isWhole) continue;
    yield Buffer.concat(chunks).toString('latin1');
    chunks = [];
    size = 0;
    length = undefined;
    isChunked = false;
  }
}

function endsChunked(chunks: readonly Buffer[]): boolean {
  const tail = Buffer.concat(chunks.slice(-2)).subarray(-CHUNKED_END.length);
  return tail.equals(CHUNKED_END);
}
