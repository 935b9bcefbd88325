import { KNOWN_STATUSES } from '../../src/jobs/columns.ts';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { isUuid } from './uuid.ts';

/** One entry of a 422 answer's `detail`. Source: the reference's "Validation Error". */
export interface ValidationDetail {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** What is wrong with a value, in the words FastAPI's validation uses; undefined when nothing is. */
export type Problem = Omit<ValidationDetail, 'loc'> | undefined;

/** Origins of a job, as the reference allows them. */
export const ORIGINS = ['CLIENT', 'AZURE', 'UNKNOWN'] as const;

const INTEGER = /^[+-]?\d{1,18}$/;
const TRUE = ['true', 't', 'yes', 'y', 'on', '1'];
const FALSE = ['false', 'f', 'no', 'n', 'off', '0'];

/** The statuses a filter may name: the reference's five and the three seen beside them. */
const STATUSES: readonly string[] = [...KNOWN_STATUSES];

export function integerProblem(text: string): Problem {
  if (INTEGER.test(text)) return undefined;
  return { msg: 'value is not a valid integer', type: 'type_error.integer' };
}

export function limitProblem(text: string): Problem {
  const problem = integerProblem(text);
  if (problem) return problem;
  if (Number(text) < 1) {
    return { msg: 'ensure this value is greater than 0', type: 'value_error.number.not_gt' };
  }
  if (Number(text) > 100) {
    return { msg: 'ensure this value is less than 101', type: 'value_error.number.not_lt' };
  }
  return undefined;
}

export function offsetProblem(text: string): Problem {
  const problem = integerProblem(text);
  if (problem || Number(text) >= 0) return problem;
  return {
    msg: 'ensure this value is greater than or equal to 0',
    type: 'value_error.number.not_ge',
  };
}

export function enumProblem(text: string, allowed: readonly string[]): Problem {
  if (allowed.includes(text)) return undefined;
  const names = allowed.map((name) => `'${name}'`).join(', ');
  return {
    msg: `value is not a valid enumeration member; permitted: ${names}`,
    type: 'type_error.enum',
  };
}

export function statusProblem(text: string): Problem {
  return enumProblem(text, STATUSES);
}

export function uuidProblem(text: string): Problem {
  return isUuid(text) ? undefined : { msg: 'value is not a valid uuid', type: 'type_error.uuid' };
}

export function dateProblem(text: string): Problem {
  if (parseTimestamp(text) !== null) return undefined;
  return { msg: 'invalid datetime format', type: 'value_error.datetime' };
}

export function booleanProblem(text: string): Problem {
  if (isTrue(text) || FALSE.includes(text.toLowerCase())) return undefined;
  return { msg: 'value could not be parsed to a boolean', type: 'type_error.bool' };
}

export function isTrue(text: string): boolean {
  return TRUE.includes(text.toLowerCase());
}
