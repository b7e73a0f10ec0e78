import { Option } from 'commander';
import { type Config, environment, flagOf, loadConfig, SETTINGS } from '../config.js';
import { MeshwrightError } from '../errors.js';

/** The settings of the server as flags: `MESHWRIGHT_DATA_DIR` is `--data-dir` or `--meshwright-data-dir`. */

const offered = SETTINGS.filter(({ secret }) => !secret).map((setting) => ({
  setting,
  option: new Option(
    `${flagOf(setting)} <value>`,
    `${setting.help}${setting.default === undefined ? '' : ` (default: ${setting.default})`}`,
  ).helpGroup('Settings (in the environment: MESHWRIGHT_…):'),
}));

export function settingOptions(): Option[] {
  return offered.map(({ option }) => option);
}

/** What only the environment may hold, for the help text. */
export function secretsHelp(): string {
  const rows = SETTINGS.filter(({ secret }) => secret).map(({ name, help }) => `  ${name.padEnd(25)}${help}`);
  return `\nKeys (in the environment only):\n${rows.join('\n')}`;
}

/**
 * @param given the parsed options; they win over the environment
 * @param defaults texts by variable name where neither says anything
 * @throws MeshwrightError `configuration`
 */
export function configFrom(
  given: { [option: string]: unknown },
  defaults: { [name: string]: string } = {},
): Config {
  const env = environment();
  const flags: { [name: string]: string } = {};
  for (const { setting, option } of offered) {
    const value = given[option.attributeName()];
    const fallback = env[setting.name] ? undefined : defaults[setting.name];
    if (typeof value === 'string') flags[setting.name] = value;
    else if (fallback !== undefined) flags[setting.name] = fallback;
  }
  return loadConfig(env, flags);
}

/**
 * The arguments with the long names of settings made short.
 *
 * @throws MeshwrightError `configuration` for a secret: what is typed here can be read by others
 */
export function plainFlags(args: readonly string[]): string[] {
  return args.map((arg) => {
    if (!arg.startsWith('--')) return arg;
    const [name = ''] = arg.split('=', 1);
    const secret = SETTINGS.find((setting) => setting.secret && flagOf(setting) === name.toLowerCase());
    if (secret) {
      throw new MeshwrightError(
        'configuration',
        `${name} is refused: other users of this machine can read command lines. Put the key into the environment as ${secret.name}.`,
      );
    }
    return arg.startsWith('--meshwright-') ? `--${arg.slice('--meshwright-'.length)}` : arg;
  });
}
