import { definePipeline } from '../src/domain/pipeline.ts';

export default definePipeline({
  description: 'Jobs that did not end well, as one Parquet file for a dashboard',
  filters: { status: ['ERROR', 'TIMED_OUT', 'CANCELED'] },
  formats: ['parquet'],
  keep: 30,
});
