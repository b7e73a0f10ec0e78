import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle, type Metafile } from 'esbuild';
import { formatLicences, givenLicence, licencesOf } from './licences.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/**
 * Bundles everything that is plain JavaScript into `dist/`, one file per entry with shared chunks beside it.
 * Start-up then reads one file instead of hundreds, and an install brings only what has native or WASM parts.
 */
export async function build(): Promise<void> {
  const outdir = path.join(root, 'dist');
  await mkdir(outdir, { recursive: true });
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: {
      cli: 'src/cli.ts',
      'engine-worker': 'src/engine/worker.ts',
      'glb-worker': 'src/glb/worker.ts',
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    chunkNames: 'chunk-[hash]',
    external: ['sharp', 'libsql', 'draco3dgltf'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'error',
  });
  const made = new Set(Object.keys(result.metafile.outputs).map((file) => path.basename(file)));
  for (const name of await readdir(outdir)) {
    if (/\.js(\.LEGAL\.txt)?$/.test(name) && !made.has(name)) await rm(path.join(outdir, name));
  }
  // The KTX2 transcoder ships inside three; only these two files of it are needed.
  await mkdir(path.join(outdir, 'basis'), { recursive: true });
  for (const name of ['basis_transcoder.js', 'basis_transcoder.wasm']) {
    await copyFile(
      require.resolve(`three/examples/jsm/libs/basis/${name}`),
      path.join(outdir, 'basis', name.replace(/\.js$/, '.cjs')),
    );
  }
  await writeFile(path.join(outdir, 'THIRD-PARTY-LICENSES.txt'), await thirdParties(result.metafile));
  await chmod(path.join(outdir, 'cli.js'), 0o755);
}

/** The licences of everything in `dist/` that is not our own. */
async function thirdParties({ outputs }: Metafile): Promise<string> {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const carried = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  const basis = await givenLicence('basis_universal');
  if (!basis) throw new Error('The licence of the KTX2 transcoder is missing.');
  return formatLicences([...(await licencesOf(carried, root)), basis]);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await build();
