import { definePipeline } from '../src/jobs/pipeline.ts';

export default definePipeline({
  description: 'Every job the credentials can see',
  formats: ['parquet', 'arrow', 'ndjson'],
});
