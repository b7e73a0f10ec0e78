/** One thing that `meshwright doctor` looked at. */
export interface Check {
  name: string;
  status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  message: string;
  /** What to do about it. */
  fix?: string;
}

export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

export function warn(name: string, message: string, fix?: string): Check {
  return { name, status: 'warn', message, ...(fix === undefined ? {} : { fix }) };
}

export function fail(name: string, message: string, fix?: string): Check {
  return { name, status: 'fail', message, ...(fix === undefined ? {} : { fix }) };
}
