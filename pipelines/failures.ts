import { definePipeline } from '../src/jobs/pipeline.ts';

export default definePipeline({
  description: 'Jobs that did not end well, as one Parquet file for a dashboard',
  filters: { status: ['ERROR', 'TIMED_OUT', 'CANCELED'] },
  formats: ['parquet'],
  keep: 30,
});
