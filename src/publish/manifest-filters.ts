import type { Filters } from '../jobs/pipeline.ts';
import type { Fields } from '../json/json-value.ts';

/** @throws TypeError naming the filter that is unknown or of another kind */
export function parseFilters(fields: Fields): Filters {
  const read: { readonly [K in keyof Filters]-?: () => Filters } = {
    id: () => ({ id: fields.texts('id') }),
    idStartsWith: () => ({ idStartsWith: fields.text('idStartsWith') }),
    batchId: () => ({ batchId: fields.texts('batchId') }),
    projectId: () => ({ projectId: fields.texts('projectId') }),
    userId: () => ({ userId: fields.texts('userId') }),
    status: () => ({ status: fields.texts('status') }),
    minRuns: () => ({ minRuns: fields.number('minRuns') }),
    maxRuns: () => ({ maxRuns: fields.number('maxRuns') }),
    errors: () => ({ errors: fields.flag('errors') }),
    origin: () => ({ origin: fields.texts('origin') }),
    startDate: () => ({ startDate: fields.text('startDate') }),
    endDate: () => ({ endDate: fields.text('endDate') }),
  };
  const readers: ReadonlyMap<string, () => Filters> = new Map(Object.entries(read));
  return Object.assign(
    {},
    ...fields.names().map((name) => {
      const reader = readers.get(name);
      if (reader === undefined) throw new TypeError(`filters.${name}: no such filter`);
      return reader();
    }),
  );
}
