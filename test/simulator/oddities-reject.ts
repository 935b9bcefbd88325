import type { JobField } from './members.ts';
import type { Twist } from './twist.ts';

/** Jobs that no table can hold as they are: each one leads to a reject, so they are sent only when asked for. */
export const REJECT_ODDITIES = [
  'lone-surrogate',
  'lone-surrogate-nested',
  'lone-surrogate-key',
  'id-absent',
  'id-null',
  'id-number',
  'batch-null',
  'project-absent',
  'status-null',
  'status-number',
  'created-absent',
  'created-null',
  'created-impossible',
  'created-no-time',
  'created-object',
] as const;
export type RejectOddity = (typeof REJECT_ODDITIES)[number];

function field(name: JobField, text: string): Twist {
  return { members: (members) => members.set(name, text) };
}

function absent(name: JobField): Twist {
  return { members: (members) => members.remove(name) };
}

export const REJECT_TWISTS: Readonly<Record<RejectOddity, Twist>> = {
  'lone-surrogate': field('slurm_job_id', '"half \\ud83e a pair"'),
  'lone-surrogate-nested': field('variables', '{"list":["\\udc00"]}'),
  'lone-surrogate-key': field('variables', '{"\\ud800":1}'),
  'id-absent': absent('id'),
  'id-null': field('id', 'null'),
  'id-number': field('id', '12'),
  'batch-null': field('batch_id', 'null'),
  'project-absent': absent('project_id'),
  'status-null': field('status', 'null'),
  'status-number': field('status', '3'),
  'created-absent': absent('created_at'),
  'created-null': field('created_at', 'null'),
  'created-impossible': field('created_at', '"2025-02-30T12:00:00+00:00"'),
  'created-no-time': field('created_at', '"yesterday"'),
  'created-object': field('created_at', '{"seconds":1}'),
};
