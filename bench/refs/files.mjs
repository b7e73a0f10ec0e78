// The floor for files: `node:http` and a stream from disk, whole or one range; no checks at all.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , file] = process.argv;
const { size } = statSync(file);
const server = createServer((request, response) => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const [start, end] = from === undefined ? [0, size - 1] : [Number(from), Number(to)];
  response.writeHead(from === undefined ? 200 : 206, {
    'content-type': 'model/gltf-binary',
    'content-length': end - start + 1,
  });
  createReadStream(file, { start, end }).pipe(response);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
