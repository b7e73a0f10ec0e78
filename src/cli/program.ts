import { Command } from 'commander';
import { version } from '../version.js';
import { MeshwrightError, systemCode } from '../errors.js';
import { report } from './report.js';
import { configFrom, plainFlags, secretsHelp, settingOptions } from './settings.js';
import { plain } from './text.js';

/**
 * `meshwright` with arguments. Each command loads what it needs when it runs: with settings only, the program is
 * the stdio server, which has to start fast.
 *
 * Exit codes: 0 what was asked for happened, 1 it did not, 2 it was asked for in a wrong way.
 */

const PRINCIPAL = [
  '--principal <name>',
  'whose: a principal of the HTTP server (default: whoever uses this machine)',
] as const;

/** @param argv as in `process.argv` */
export async function run(argv: string[]): Promise<void> {
  // `… | head` closes the pipe early: nobody reads on, and the work is done all the same.
  process.stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error;
  });
  try {
    process.exitCode = await execute(argv.slice(2));
  } catch (error) {
    process.exitCode = report(error, argv.includes('--json'));
  }
}

async function execute(typed: string[]): Promise<number> {
  let code = 0;
  const finish = (exitCode: number): void => {
    code = exitCode;
  };
  const program = createProgram(finish);
  let args = plainFlags(typed);
  if (args.includes('generate')) {
    const { addModelCommands, snakeFlags } = await import('./generate.js');
    const generate = program.commands.find((command) => command.name() === 'generate');
    if (generate) addModelCommands(generate, finish);
    args = snakeFlags(args);
  }
  await program.parseAsync(args, { from: 'user' });
  return code;
}

function createProgram(finish: (code: number) => void): Command {
  const program = new Command('meshwright')
    .description('MCP server that gives AI agents 3D generation. Without a command it serves MCP over stdio.')
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print this help, or that of a command')
    .exitOverride()
    // Errors are told once, by `report`.
    .configureOutput({ outputError: () => undefined })
    .allowExcessArguments();
  for (const option of settingOptions()) program.addOption(option);
  program.addHelpText('after', secretsHelp());
  program.action(async () => {
    const [unknown] = program.args;
    if (unknown !== undefined) throw unknownCommand(program, unknown);
    const { serveOverStdio } = await import('../stdio.js');
    await serveOverStdio(configFrom(program.opts()));
  });
  addGenerate(program);
  addModels(program, finish);
  addJobs(program, finish);
  addAssets(program, finish);
  addDoctor(program, finish);
  addHttp(program);
  addToken(program, finish);
  for (const command of program.commands) refuseExcess(command);
  return program;
}

/** A word too many is a mistake; `generate` has sentences of its own for it. */
function refuseExcess(command: Command): void {
  if (command.name() === 'generate') return;
  command.allowExcessArguments(false);
  for (const inner of command.commands) refuseExcess(inner);
}

function addGenerate(program: Command): void {
  const generate = program
    .command('generate')
    .description('make one 3D model and wait for it')
    .usage('TOOL --image_url FILE … [-o OUT.glb]')
    .allowExcessArguments()
    .allowUnknownOption();
  generate.action(() => {
    const names = generate.commands.map((command) => command.name()).join(', ');
    const [unknown] = generate.args;
    throw new MeshwrightError(
      'invalid_arguments',
      unknown === undefined
        ? `Name the model's tool: meshwright generate TOOL. There are ${names}.`
        : `There is no model tool ${unknown}; there are ${names}.`,
    );
  });
}

function addModels(program: Command, finish: (code: number) => void): void {
  const models = program
    .command('models')
    .description('list the models, or tell more about one')
    .argument('[tool]')
    .option('--json', 'print JSON')
    .action(async (tool: string | undefined, { json = false }: { json?: boolean }) => {
      const { showModels } = await import('./models.js');
      finish(await showModels(models, tool, json));
    });
}

function addJobs(program: Command, finish: (code: number) => void): void {
  const jobs = program
    .command('jobs')
    .description('list the jobs, or tell more about one')
    .argument('[job]')
    .option('--status <status>', 'queued, running, succeeded, failed, cancelled or unconfirmed')
    .option('--limit <number>', 'how many (default: 20)')
    .option('--cursor <cursor>', 'go on where a list ended')
    .option('--costs', 'what was spent instead, by day and provider')
    .option('--days <number>', 'of how many days, with --costs (default: 31)')
    .option(...PRINCIPAL)
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: { json?: boolean; costs?: boolean; days?: string }) => {
      if (options.costs && id !== undefined) {
        throw new MeshwrightError(
          'invalid_arguments',
          `--costs sums up all jobs: leave ${plain(id)} out, or leave --costs out to see what that one cost.`,
        );
      }
      if (options.days !== undefined && !options.costs) {
        throw new MeshwrightError(
          'invalid_arguments',
          '--days goes with --costs: add that, or leave it out.',
        );
      }
      if (options.costs) {
        const { showCosts } = await import('./costs.js');
        return finish(await showCosts(jobs, options));
      }
      const { showJob, showJobs } = await import('./jobs.js');
      finish(await (id === undefined ? showJobs(jobs, options) : showJob(jobs, id, options.json ?? false)));
    });
  const wait = jobs
    .command('wait <job>')
    .description('wait until a job has ended')
    .option('-o, --output <file>', 'copy the model to this file or into this folder')
    .option('--overwrite', 'replace the file if there is one')
    .option('--wait <seconds>', 'how long at most')
    .option(...PRINCIPAL)
    .option('--json', 'print JSON')
    .action(async (id: string) => {
      const { waitFor } = await import('./jobs.js');
      finish(await waitFor(wait, id, wait.optsWithGlobals()));
    });
  const cancel = jobs
    .command('cancel <job>')
    .description('ask for the cancellation of a job and tell what came of it')
    .option(...PRINCIPAL)
    .option('--json', 'print JSON')
    .action(async (id: string) => {
      const { cancel: cancelJob } = await import('./jobs.js');
      finish(await cancelJob(cancel, id, cancel.optsWithGlobals<{ json?: boolean }>().json ?? false));
    });
}

function addAssets(program: Command, finish: (code: number) => void): void {
  const assets = program
    .command('assets')
    .description('list the finished files, or tell more about one')
    .argument('[asset]')
    .option('--job <job>', 'only those of this job')
    .option(...PRINCIPAL)
    .option('--limit <number>', 'how many (default: 20)')
    .option('--cursor <cursor>', 'go on where a list ended')
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: { json?: boolean }) => {
      const { showAsset, showAssets } = await import('./assets.js');
      finish(
        await (id === undefined ? showAssets(assets, options) : showAsset(assets, id, options.json ?? false)),
      );
    });
  const save = assets
    .command('save <asset> <path>')
    .description('copy a finished file to a file or into a folder')
    .option(...PRINCIPAL)
    .option('--overwrite', 'replace the file if there is one')
    .option('--json', 'print JSON')
    .action(async (id: string, target: string) => {
      const { save: saveAsset } = await import('./assets.js');
      finish(await saveAsset(save, id, target, save.optsWithGlobals()));
    });
}

function addDoctor(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('doctor')
    .description('check keys, folders, providers and the local generator, and say what to do')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { doctor } = await import('./doctor/index.js');
      finish(await doctor(command, json));
    });
}

function addHttp(program: Command): void {
  const command = program
    .command('http')
    .description('serve MCP over Streamable HTTP at /mcp')
    .option('--host <host>', 'name or address to bind to', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '3333')
    .action(async () => {
      const { serve } = await import('./http.js');
      await serve(command);
    });
}

function addToken(program: Command, finish: (code: number) => void): void {
  const token = program.command('token').description('who may call the HTTP server, and with which caps');
  const add = token
    .command('add <name>')
    .description('make a principal and print its token, once')
    .option('--max-usd-per-job <usd>', 'spending cap of one job of this principal')
    .option('--max-usd-per-day <usd>', 'spending cap of a day (UTC) of this principal')
    .option('--metrics', 'let it read /metrics, the figures of all')
    .option('--json', 'print JSON')
    .action(async (name: string) => {
      const { addToken: make } = await import('./tokens.js');
      finish(await make(add, name));
    });
  const list = token
    .command('list')
    .description('list the principals')
    .option('--json', 'print JSON')
    .action(async () => {
      const { listTokens } = await import('./tokens.js');
      finish(await listTokens(list));
    });
  const remove = token
    .command('remove <name>')
    .description('take the token of a principal away')
    .action(async (name: string) => {
      const { removeToken } = await import('./tokens.js');
      finish(await removeToken(remove, name));
    });
}

function unknownCommand(program: Command, name: string): MeshwrightError {
  const names = program.commands.map((command) => command.name()).join(', ');
  return new MeshwrightError(
    'invalid_arguments',
    `There is no command ${name}; there are ${names}, and without a command meshwright is the stdio server.`,
  );
}
