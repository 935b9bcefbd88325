export { createJobsClient, type JobsClient, type JobsClientOptions } from './client.ts';
