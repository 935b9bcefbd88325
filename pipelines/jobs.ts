import { definePipeline } from '../src/domain/pipeline.ts';

export default definePipeline({
  description: 'Every job the credentials can see',
  formats: ['parquet', 'arrow', 'ndjson'],
});
