import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rejects } from '../../src/load/rejects.ts';

it('knows the jobs among the records set aside as the column of ids has them', () => {
  const rejects = new Rejects();
  const raws = [
    '{"id":"a"}',
    '{"id":"\\ufeffb"}',
    '{"id":"\\ud800c"}',
    '{"id":""}',
    '{"id":7}',
    'NaN',
  ];
  const lines = raws.map((raw) => `${JSON.stringify({ reason: 'r', offset: null, raw })}\n`);
  const ids = ['a', '\ufeffb', '\\ud800c'];
  assert.deepEqual(rejects.add(0, Buffer.from(lines.join(''))), ids);
  assert.deepEqual(
    [...rejects.jobs()].map(({ id }) => id),
    ids,
  );
});
