import { definePipeline } from '../../src/jobs/pipeline.ts';

export default definePipeline({
  description: 'Failures of one project',
  filters: { projectId: ['00000000-0000-0000-0000-000000000000'], status: ['ERROR'] },
  formats: ['parquet'],
  keep: 30,
});
