import { type Command, type CommanderError, Option } from 'commander';
import { MeshwrightError } from '../errors.js';
import { imageFields, type Model } from '../jobs/model.js';
import { parseArguments } from '../jobs/arguments.js';
import { jobSchema } from '../jobs/view.js';
import { isRecord } from '../json.js';
import { modelTool } from '../tools/model-tool.js';
import { models } from '../tools/models.js';
import { definitionOf, type Tool } from '../tools/tool.js';
import { terminalAsk } from './ask.js';
import { followJob, fromTyped, outputPath } from './follow.js';
import { withSession } from './session.js';
import { plain } from './text.js';

/** `meshwright generate TOOL`: a subcommand for each model, whose options are the arguments of its tool. */

/** Arguments that stand under another name here. */
const RENAMED = new Set(['wait_seconds', 'provider', 'force_new']);

export function addModelCommands(generate: Command, finish: (code: number) => void): void {
  for (const model of models()) {
    const tool = modelTool(model);
    const command = generate.command(model.tool).description(model.description);
    for (const option of argumentOptions(tool)) command.addOption(option);
    command
      .optionsGroup('Job:')
      .option('-o, --output <file>', 'copy the model to this file or into this folder')
      .option('--overwrite', 'replace the file if there is one')
      .option('--wait <seconds>', 'how long to wait for the result (default: until it has ended)')
      .addOption(
        new Option(
          '--force_new [true|false]',
          'make it anew although the same call has a job (default: false)',
        ).argParser(collect),
      )
      .option('-y, --yes', 'pay without being asked; caps still hold')
      .option('--json', 'print the job as JSON');
    if (model.routes.length > 1) {
      command.option('--provider <name>', `auto or one of ${tool.providers?.join(', ') ?? ''}`);
    }
    command
      .exitOverride((error) => explain(error, tool))
      .action(async () => finish(await generateModel(command, model, tool)));
  }
}

/** `--image-url` for `--image_url`, where a model has such an argument. */
export function snakeFlags(args: readonly string[]): string[] {
  const model = models().find(({ tool }) => args.includes(tool));
  if (!model) return [...args];
  const names = new Set([...Object.keys(model.input.shape), 'force_new']);
  return args.map((arg) => {
    const [, name, rest = ''] = /^--([^=]+)(=.*)?$/s.exec(arg) ?? [];
    const snake = name?.replaceAll('-', '_');
    if (snake === 'wait_seconds') return `--wait${rest}`;
    return snake !== undefined && names.has(snake) ? `--${snake}${rest}` : arg;
  });
}

function argumentOptions(tool: Tool): Option[] {
  const { properties = {}, required = [] } = definitionOf(tool).inputSchema;
  return Object.entries(properties)
    .filter(([name]) => !RENAMED.has(name))
    .map(([name, schema]) => {
      const { type, description, enum: values, default: preset } = isRecord(schema) ? schema : {};
      const choices = Array.isArray(values) ? values.map(String).join('|') : undefined;
      const value =
        type === 'boolean'
          ? '[true|false]'
          : `<${choices ?? (type === 'number' || type === 'integer' ? 'number' : 'value')}>`;
      const remarks = [
        required.includes(name) ? 'required' : '',
        type === 'array' ? 'may be repeated' : '',
        preset === undefined ? '' : `default: ${JSON.stringify(preset)}`,
      ].filter(Boolean);
      return new Option(
        `--${name} ${value}`,
        [
          typeof description === 'string' ? description : '',
          remarks.length > 0 ? `(${remarks.join(', ')})` : '',
        ]
          .filter(Boolean)
          .join(' '),
      )
        .argParser(collect)
        .helpGroup('Arguments:');
    });
}

/** One value stays as it is, several make a list; the tool's own schema decides what it takes. */
function collect(value: string, previous: unknown): string | unknown[] {
  if (previous === undefined) return value;
  return Array.isArray(previous) ? [...previous, value] : [previous, value];
}

/** An unknown flag is answered like an unknown argument of the tool. */
function explain(error: CommanderError, tool: Tool): never {
  const [, name] = /unknown option '--([^'=]+)/.exec(error.message) ?? [];
  if (error.code === 'commander.unknownOption' && name !== undefined) {
    parseArguments(tool.input.partial(), { [name.replaceAll('-', '_')]: true }, tool.name);
  }
  throw error;
}

async function generateModel(command: Command, model: Model, tool: Tool): Promise<number> {
  const [superfluous] = command.args;
  if (superfluous !== undefined) throw strayWord(superfluous, model);
  const options: Record<string, unknown> = command.opts();
  const { output, overwrite, wait, force_new: forceNew, json, provider, yes, ...args } = options;
  for (const field of imageFields(model)) args[field] = imageReferences(args[field]);
  const seconds = wait === undefined ? undefined : readWait(wait);
  return withSession(command, { carryOn: true }, async (context) => {
    const typed = typeof output === 'string' ? output : undefined;
    const target = await outputPath(typed, overwrite === true, context.config);
    const { structured } = await tool.run(
      {
        ...args,
        ...(provider === undefined ? {} : { provider }),
        ...(forceNew === undefined ? {} : { force_new: forceNew }),
        wait_seconds: 0,
      },
      { ...context, ask: terminalAsk(yes === true) },
    );
    const { job_id: id, deduplicated = false } = jobSchema.parse(structured);
    return followJob(await context.jobs.get(context.principal, id), context, {
      json: json === true,
      output: target,
      overwrite: overwrite === true,
      seconds,
      deduplicated,
    });
  });
}

/** A word that belongs to no option: mostly a picture, or a `false` behind an option that is only there or not. */
function strayWord(word: string, model: Model): MeshwrightError {
  const [field] = imageFields(model);
  const meant =
    /^(true|false)$/i.test(word) || field === undefined
      ? 'the option before it takes no value: leave it out where it is not meant.'
      : `give a picture as \`--${field} ${plain(word)}\`.`;
  return new MeshwrightError('invalid_arguments', `"${plain(word)}" belongs to no option; ${meant}`);
}

/** Pictures are often given as paths from the working folder, since a person types them. */
function imageReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(imageReferences);
  // A scheme has two letters at least: `C:\` is a drive.
  return typeof value === 'string' && !/^[a-z][a-z0-9+.-]+:/i.test(value) ? fromTyped(value) : value;
}

export function readWait(text: unknown): number {
  const seconds = Number(text);
  if (text !== '' && Number.isFinite(seconds) && seconds >= 0) return Math.min(seconds, 604_800);
  throw new MeshwrightError('invalid_arguments', '`--wait` must be a number of seconds, 0 or more.');
}
