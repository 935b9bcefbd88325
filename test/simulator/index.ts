export {
  change,
  createDrift,
  DRIFT_OPERATIONS,
  type DriftOperation,
  type DriftOptions,
} from './drift.ts';
export { FAULT_KINDS, type FaultKind } from './fault-kinds.ts';
export { FaultPlan, type FaultRate, type FaultRequest, type FaultRule } from './fault-plan.ts';
export type { JobFields } from './fields.ts';
export type { JobFilters } from './filters.ts';
export { ODDITIES, type OddityKind, REJECT_ODDITIES } from './oddities.ts';
export type { Operation } from './operation-log.ts';
export type { SimulatorOptions } from './options.ts';
export { DIRECTIONS, type Direction, ORDER_COLUMNS, type OrderColumn } from './order.ts';
export { parseDrift, parseFault, parseOddities, parseRateLimit } from './parse-options.ts';
export type { JobQuery } from './query.ts';
export { Random } from './random.ts';
export { type RateLimit, RETRY_AFTER_FORMS, type RetryAfterForm } from './rate-limit.ts';
export { type Simulator, startSimulator } from './server.ts';
export type { Stats } from './stats.ts';
export { JobStore, type StoreOptions, type StoreQuery } from './store.ts';
export type { SignIn } from './tokens.ts';
